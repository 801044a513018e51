import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiClient } from '../../../src/server/api-client.ts';
import { authorize, type Role } from '../../../src/server/authorize.ts';
import type { Route } from '../../../src/server/route.ts';
import { application, type Harness, IN_DEFAULT, startHarness } from './harness.ts';

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
});
afterAll(() => h.stop());

const ROLES: readonly Role[] = ['admin', 'releaser', 'developer', 'viewer', 'agent', 'system'];
const DIGEST = `sha256:${'0'.repeat(64)}`;
const pathOf = (route: Route) =>
  route.url.replace(':namespace', 'default').replace(':name', 'absent').replace(':digest', DIGEST);

describe('every endpoint with every role', () => {
  it('knows all of them, and only liveness is open', () => {
    const { routes } = h.server;
    expect(routes.length).toBeGreaterThan(130);
    expect(routes.filter((route) => route.anonymous).map((route) => route.url)).toEqual([
      '/healthz',
      '/readyz',
    ]);
  });

  it('refuses everyone without a valid token, before it says what exists', async () => {
    for (const route of h.server.routes) {
      const { method } = route;
      const none = await h.raw({ method, path: pathOf(route), as: null });
      const wrong = await h.raw({ method, path: pathOf(route), token: `slw_${'x'.repeat(43)}` });
      const wanted = route.anonymous === true ? 200 : 401;
      expect([method, route.url, none.status, wrong.status]).toEqual([method, route.url, wanted, wanted]);
    }
    expect((await h.raw({ path: '/nothing', as: null })).status).toBe(401);
    expect((await h.raw({ path: '/nothing' })).status).toBe(404);
  });

  it.each(ROLES)('lets %s do what the table says and no more', async (role) => {
    for (const route of h.server.routes) {
      if (route.anonymous === true) continue;
      const { method, verb, resource } = route;
      const allowed = authorize({ name: 'x', roles: [role] }, { verb, resource }).ok;
      const { status, text } = await h.raw({ method, path: pathOf(route), as: role });
      expect([method, route.url, status < 500, text]).toEqual([method, route.url, true, text]);
      const outcome = status === 403 ? 'forbidden' : status === 401 ? 'unauthorized' : 'let in';
      expect([method, route.url, outcome]).toEqual([method, route.url, allowed ? 'let in' : 'forbidden']);
    }
  });

  it.each<[string, string]>([
    ['Basic', 'Basic c2x3Og=='],
    ['an empty bearer', 'Bearer '],
    ['two tokens', 'Bearer a b'],
    ['a long one', `Bearer slw_${'a'.repeat(5_000)}`],
    ['no prefix', `Bearer ${'a'.repeat(43)}`],
  ])('refuses %s', async (_, authorization) => {
    const answer = await h.raw({ path: '/version', as: null, headers: { authorization } });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/Bearer/);
    expect(answer.json.message).toBe('a valid token is needed');
  });

  it('asks the verb of the command that somebody creates as an object', async () => {
    const command = (verb: string) =>
      JSON.stringify({
        apiVersion: 'slipway.dev/v1alpha1',
        kind: 'Command',
        metadata: { name: `try-${verb}` },
        spec: { verb, target: { kind: 'Application', name: 'absent' }, by: 'somebody-else' },
      });
    const path = `${IN_DEFAULT}/commands`;
    const release = { ...JSON.parse(command('approve')), metadata: { name: 'try-release' } };
    release.spec.target.kind = 'Release';
    for (const as of ['viewer', 'developer', 'releaser', 'admin'] as const) {
      const scale = await h.raw({ method: 'POST', path, as, body: command('scale') });
      const approve = await h.raw({ method: 'POST', path, as, body: JSON.stringify(release) });
      // 404: let in, and there is no such target.
      expect([as, scale.status]).toEqual([as, as === 'viewer' ? 403 : 404]);
      expect([as, approve.status]).toEqual([as, as === 'viewer' || as === 'developer' ? 403 : 404]);
    }
    expect(
      (await h.raw({ method: 'POST', path, body: command('promote') })).json.details.causes[0].field,
    ).toBe('spec.verb');
  });
});

describe('tokens', () => {
  it('are made, listed without their text, and revoked at once', async () => {
    const admin = h.client('admin');
    const made = await admin.tokens.create({ name: 'ci', roles: ['developer'] });
    expect(made.token).toMatch(/^slw_[A-Za-z0-9_-]{43}$/);
    expect((await h.raw({ path: '/version', token: made.token })).status).toBe(200);
    const list = await h.raw({ path: '/auth/v1/tokens' });
    expect(list.text).toContain('"ci"');
    expect(list.text).not.toContain(made.token);
    expect(list.text).not.toContain('hash');
    await admin.tokens.revoke('ci');
    expect((await h.raw({ path: '/version', token: made.token })).status).toBe(401);
    await expect(admin.tokens.revoke('ci')).rejects.toMatchObject({ code: 'notFound' });
  });

  it('end what they have open when they are revoked', async () => {
    const { token } = await h.tokens.create({ name: 'watcher', roles: ['viewer'] });
    const api = createApiClient({ server: h.server.url, ca: h.certificates.ca, token, version: 'test' });
    const watching = (async () => {
      for await (const _ of api.watch('Application', { signal: AbortSignal.timeout(10_000) })) {
        await h.client('admin').tokens.revoke('watcher');
      }
    })();
    await h.client('admin').create(application('seen-by-watcher'));
    await expect(watching).rejects.toMatchObject({ code: 'unauthorized' });
    api.close();
  });

  it.each<[string, object]>([
    ['system', { name: 'x', roles: ['system'] }],
    ['an unknown role', { name: 'x', roles: ['root'] }],
    ['no role', { name: 'x', roles: [] }],
    ['a hostile name', { name: '../x', roles: ['viewer'] }],
    ['an agent with more', { name: 'x', roles: ['agent', 'admin'] }],
    ['a cluster without an agent', { name: 'x', roles: ['viewer'], cluster: 'eu' }],
    ['a token of its own choice', { name: 'x', roles: ['viewer'], token: 'slw_mine' }],
  ])('refuses %s', async (_, body) => {
    const answer = await h.raw({ method: 'POST', path: '/auth/v1/tokens', body: JSON.stringify(body) });
    expect(answer.status).toBe(422);
  });

  it('refuses a name that is taken', async () => {
    const again = h.client('admin').tokens.create({ name: 'a-viewer', roles: ['admin'] });
    await expect(again).rejects.toMatchObject({ code: 'alreadyExists' });
  });
});

describe('audit', () => {
  it('has a line for each verb that is no reading, done or refused, and none for reading', async () => {
    // Its own server: what unknown callers may write a minute is used up on the other.
    const own = await startHarness();
    const developer = own.client('developer');
    await developer.create(application('audited'));
    await developer.get('Application', 'audited');
    await developer.list('Application');
    await developer.patch('Application', 'audited', { metadata: { labels: { a: 'b' } } });
    await developer.create(application('audited')).catch(() => undefined);
    await own
      .client('viewer')
      .delete('Application', 'audited')
      .catch(() => undefined);
    await own
      .client('developer')
      .get('Secret', 'nothing')
      .catch(() => undefined);
    await own
      .client('viewer')
      .get('Secret', 'nothing')
      .catch(() => undefined);
    await own.raw({ method: 'POST', path: `${IN_DEFAULT}/applications`, as: null, body: '{}' });
    await own.raw({ method: 'POST', path: '/nothing', body: '{}' });
    const seen = own.audit.lines.map(({ who, verb, resource, namespace, name, outcome, code, reason }) =>
      [who, verb, resource, namespace, name, outcome, code, reason].join(' '),
    );
    expect(seen).toEqual([
      'a-developer create applications default audited done 201 ',
      'a-developer patch applications default audited done 200 ',
      'a-developer create applications default audited refused 409 AlreadyExists',
      'a-viewer delete applications default audited refused 403 Forbidden',
      'a-viewer get secrets default nothing refused 403 Forbidden',
      ' create applications default  refused 401 Unauthorized',
      'a-admin post none   refused 404 NotFound',
    ]);
    expect(own.audit.lines[0]).toMatchObject({
      kind: 'Application',
      roles: ['developer'],
      from: '127.0.0.1',
      userAgent: 'slipway/0.1.0-test',
    });
    await own.stop();
  });

  it('cannot be flooded by callers without a token', async () => {
    const other = await startHarness();
    for (let i = 0; i < 70; i++)
      await other.raw({ method: 'POST', path: `${IN_DEFAULT}/applications`, as: null });
    await other.client('admin').create(application('known'));
    expect(other.audit.lines.filter((line) => line.who === null)).toHaveLength(60);
    expect(other.audit.lines.at(-1)).toMatchObject({ who: 'a-admin', name: 'known' });
    expect((await other.raw({ path: '/metrics' })).text).toContain('slipway_audit_suppressed_total 10');
    await other.stop();
  });
});
