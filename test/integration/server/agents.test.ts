import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Harness, startHarness, until } from './harness.ts';

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
});
afterAll(() => h.stop());

/** `open`, or the HTTP status that refused the upgrade. */
function connect(path: string, token: string | null, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`wss://127.0.0.1:${h.server.port}${path}`, {
    ca: h.certificates.ca,
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
  });
  const outcome = new Promise<'open' | number>((resolve) => {
    socket.once('open', () => resolve('open'));
    socket.once('unexpected-response', (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    socket.on('error', () => undefined);
  });
  return { socket, outcome };
}

describe('the agents connection', () => {
  it('is handed over with the identity of the token', async () => {
    const { socket, outcome } = connect('/agent/v1/connect', h.tokenOf('agent'));
    expect(await outcome).toBe('open');
    expect(h.attached).toEqual(['a-agent']);
    const echoed = new Promise((resolve) => socket.once('message', (data) => resolve(data.toString())));
    socket.send('hello');
    expect(await echoed).toBe('hello');
    socket.close();
  });

  it.each<[string, string, () => string | null, Record<string, string>, number]>([
    ['without a token', '/agent/v1/connect', () => null, {}, 401],
    ['with a wrong token', '/agent/v1/connect', () => `slw_${'x'.repeat(43)}`, {}, 401],
    ['as an admin', '/agent/v1/connect', () => h.tokenOf('admin'), {}, 403],
    ['as a manager', '/agent/v1/connect', () => h.tokenOf('system'), {}, 403],
    [
      'from a browser',
      '/agent/v1/connect',
      () => h.tokenOf('agent'),
      { origin: 'https://evil.example' },
      403,
    ],
    ['elsewhere', '/apis/slipway.dev/v1alpha1/releases', () => h.tokenOf('agent'), {}, 404],
  ])('is refused %s', async (_, path, token, headers, status) => {
    const before = h.attached.length;
    expect(await connect(path, token(), headers).outcome).toBe(status);
    expect(h.attached.length).toBe(before);
  });

  it('ends when its token is revoked', async () => {
    const { token } = await h.tokens.create({ name: 'agent-eu', roles: ['agent'], cluster: 'eu' });
    const { socket, outcome } = connect('/agent/v1/connect', token);
    expect(await outcome).toBe('open');
    let code = 0;
    socket.once('close', (closed) => {
      code = closed;
    });
    await h.client('admin').tokens.revoke('agent-eu');
    await until('the close', () => code !== 0);
    expect(code).toBe(1008);
    expect(await connect('/agent/v1/connect', token).outcome).toBe(401);
  });

  it('ends when the manager stops', async () => {
    const other = await startHarness();
    const saved = h;
    h = other;
    const { socket, outcome } = connect('/agent/v1/connect', other.tokenOf('agent'));
    h = saved;
    expect(await outcome).toBe('open');
    let code = 0;
    socket.once('close', (closed) => {
      code = closed;
    });
    await other.stop();
    await until('the close', () => code !== 0);
    expect(code).toBe(1001);
  });
});
