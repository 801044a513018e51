import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import { ROUTE } from '../../test/support/execution-orders.ts';
import type { HttpAnswer, HttpRequest, Network } from '../lib/network.ts';
import { startProber } from './prober.ts';

const answer = (status: number, headers: Readonly<Record<string, string>> = {}): HttpAnswer => ({
  status,
  headers,
  body: Buffer.alloc(0),
  truncated: false,
  ms: 1,
});
const failing = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));

async function probe(ms: number, respond: (request: HttpRequest) => Promise<HttpAnswer>, route = ROUTE) {
  const clock = autoClock();
  const sent: HttpRequest[] = [];
  const network: Network = {
    request: (request) => {
      sent.push(request);
      return respond(request);
    },
    connect: async () => {},
  };
  const prober = startProber({ network, clock, entry: 'http://127.0.0.1:8480', route });
  await clock.sleep(ms);
  return { evidence: await prober.stop(), sent };
}

describe('the prober', () => {
  it('asks twenty times a second over fresh connections', async () => {
    const { evidence, sent } = await probe(999, async () => answer(200));
    expect(evidence).toMatchObject({ total: 20, failed: 0, failures: {}, unfinished: 0 });
    expect(sent[0]).toMatchObject({
      fresh: true,
      url: 'http://127.0.0.1:8480/',
      headers: { host: 'shop.localhost' },
    });
  });

  it('asks a wildcard by a name under it', async () => {
    const { sent } = await probe(10, async () => answer(200), { ...ROUTE, host: '*.shop.test', path: '/a' });
    expect(sent[0]).toMatchObject({ url: 'http://127.0.0.1:8480/a', headers: { host: 'probe.shop.test' } });
  });

  it.each([
    ['refused', () => failing('ECONNREFUSED'), 'refused'],
    ['reset', () => failing('ECONNRESET'), 'reset'],
    ['timed out', () => failing('ETIMEDOUT'), 'timeout'],
    ['cut short', () => failing('EPROTO'), 'cut'],
    ['no backend', async () => answer(503), 'noBackend'],
    ['no route', async () => answer(404), 'noBackend'],
    ['the router timed out', async () => answer(504), 'timeout'],
    ['the router lost the instance', async () => answer(502), 'reset'],
    ["the application's own 503", async () => answer(503, { 'slipway-revision': 'shop-r2' }), null],
    ["the application's own 404", async () => answer(404, { 'slipway-revision': 'shop-r2' }), null],
  ] as const)('%s', async (_, respond, cause) => {
    const { evidence } = await probe(10, respond);
    expect(evidence).toMatchObject({
      total: 1,
      failed: cause === null ? 0 : 1,
      failures: cause === null ? {} : { [cause]: 1 },
    });
  });

  it('counts what was not answered when it ends apart, and never piles up', async () => {
    const { evidence, sent } = await probe(60_000, () => new Promise(() => {}));
    expect(sent).toHaveLength(40);
    expect(evidence).toMatchObject({ total: 0, failed: 0, unfinished: 40 });
  });
});
