import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../../src/lib/random.ts';
import { openSecretVault } from '../../../src/store/secret-vault.ts';
import { type Harness, IN_DEFAULT, secret, startHarness, until } from './harness.ts';

/** A value that nothing else contains, also where it was encoded on its way. */
const CANARY = 'cAnArY+/päss wörd?&7f3e';
const FORMS = [
  CANARY,
  Buffer.from(CANARY).toString('base64'),
  Buffer.from(CANARY).toString('base64url'),
  Buffer.from(CANARY).toString('hex'),
  encodeURIComponent(CANARY),
  new URLSearchParams({ v: CANARY }).toString().slice(2),
  JSON.stringify(CANARY).slice(1, -1),
];

let h: Harness;
let directory: string;
/** Everything that the server said to anybody but agents. */
const said: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-vault-'));
  const secrets = openSecretVault({ keyFile: join(directory, 'secrets.key'), random: systemRandom() });
  h = await startHarness({ overrides: { secrets } });
});
afterAll(async () => {
  await h.stop();
  await rm(directory, { recursive: true, force: true });
});

const ask = async (request: Parameters<Harness['raw']>[0]) => {
  const answer = await h.raw(request);
  said.push(answer.text, JSON.stringify(answer.headers));
  return answer;
};
const path = `${IN_DEFAULT}/secrets`;
const PATCH = { 'content-type': 'application/merge-patch+json' };

describe('secrets', () => {
  it('are sealed when they come in, and shown as names with digests', async () => {
    const made = await ask({
      method: 'POST',
      path,
      body: JSON.stringify(secret('db', { PASSWORD: CANARY, USER: 'u' })),
    });
    expect(made.status).toBe(201);
    expect(made.json.spec).toEqual({});
    expect(Object.keys(made.json.status.keys)).toEqual(['PASSWORD', 'USER']);
    expect(made.json.status.keys.PASSWORD).toMatch(/^[0-9a-f]{6,16}$/);
    const stored = await h.store.get({ kind: 'Secret', namespace: 'default', name: 'db' });
    expect(JSON.stringify(stored)).toContain('sealed');
    for (const form of FORMS) expect(JSON.stringify(stored)).not.toContain(form);
  });

  it('keep their values when something else is replaced, and change by patch name by name', async () => {
    const before = (await ask({ path: `${path}/db` })).json;
    const labelled = await ask({
      method: 'PUT',
      path: `${path}/db`,
      body: JSON.stringify({ ...before, metadata: { ...before.metadata, labels: { team: 'a' } } }),
    });
    expect(labelled.json.status.keys).toEqual(before.status.keys);
    expect(labelled.json.metadata.generation).toBe(before.metadata.generation);
    const patched = await ask({
      method: 'PATCH',
      path: `${path}/db`,
      headers: PATCH,
      body: JSON.stringify({ spec: { data: { USER: null, TOKEN: CANARY } } }),
    });
    expect(Object.keys(patched.json.status.keys)).toEqual(['PASSWORD', 'TOKEN']);
    expect(patched.json.status.keys.PASSWORD).toBe(before.status.keys.PASSWORD);
    const opened = await h.raw({ path: '/agent/v1/secrets/default/db', as: 'agent' });
    expect(opened.json.data).toEqual({ PASSWORD: CANARY, TOKEN: CANARY });
  });

  it('are not written again when nothing changes', async () => {
    const before = (await ask({ path: `${path}/db` })).json;
    const same = await ask({
      method: 'PATCH',
      path: `${path}/db`,
      headers: PATCH,
      body: JSON.stringify({ spec: { data: { TOKEN: CANARY } } }),
    });
    expect(same.json.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  });

  it('are forgotten by what kubectl apply remembers', async () => {
    const remembered = { ...secret('applied', { A: CANARY }) };
    const body = {
      ...remembered,
      metadata: {
        name: 'applied',
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(remembered),
          keep: 'this',
        },
      },
    };
    const made = await ask({ method: 'POST', path, body: JSON.stringify(body) });
    expect(made.json.metadata.annotations).toEqual({ keep: 'this' });
  });

  it('never show anywhere: refused, broken, watched, listed, logged, audited', async () => {
    const bad = (data: unknown) => JSON.stringify({ ...secret('bad', {}), spec: { data } });
    await ask({ method: 'POST', path, body: bad({ A: [CANARY] }) });
    await ask({ method: 'POST', path, body: bad(CANARY) });
    await ask({ method: 'POST', path, body: bad({ A: CANARY }).slice(0, -3) });
    await ask({ method: 'POST', path, body: `{"spec":{"data":{"A":"${CANARY}"}}, ${CANARY}` });
    await ask({
      method: 'POST',
      path,
      body: JSON.stringify({ ...secret('bad', { A: CANARY }), [CANARY.slice(0, 6)]: 1 }),
    });
    await ask({ method: 'POST', path, body: JSON.stringify(secret('db', { A: CANARY })) });
    await ask({ method: 'POST', path, as: 'viewer', body: JSON.stringify(secret('x', { A: CANARY })) });
    await ask({ method: 'PUT', path: `${path}/db`, body: JSON.stringify(secret('db', { A: CANARY })) });
    await ask({
      method: 'POST',
      path: `${IN_DEFAULT}/applications`,
      body: JSON.stringify(secret('x', { A: CANARY })),
    });
    await ask({
      method: 'POST',
      path: `${path}?dryRun=All`,
      body: JSON.stringify(secret('dry', { A: CANARY })),
    });
    await ask({ path });
    await ask({ path: `${path}?watch=1&timeoutSeconds=1` });
    await ask({ path: `${path}/db/status` });
    await ask({ path: '/metrics' });
    await ask({ method: 'DELETE', path: `${path}/applied` });
    await until('log lines', () => h.logLines.length > 0);
    for (const [where, texts] of [
      ['answers', said],
      ['log', h.logLines],
      ['audit', h.audit.lines.map((line) => JSON.stringify(line))],
    ] as const) {
      expect(texts.length).toBeGreaterThan(0);
      for (const form of FORMS)
        expect([where, texts.filter((text) => text.includes(form))]).toEqual([where, []]);
    }
  });

  it('are opened for agents alone, with an audit line', async () => {
    h.audit.lines.length = 0;
    expect((await h.raw({ path: '/agent/v1/secrets/default/db' })).status).toBe(403);
    expect((await h.raw({ path: '/agent/v1/secrets/default/db', as: 'system' })).status).toBe(403);
    expect((await h.raw({ path: '/agent/v1/secrets/default/absent', as: 'agent' })).status).toBe(404);
    expect((await h.raw({ path: '/agent/v1/secrets/default/db', as: 'agent' })).status).toBe(200);
    expect(h.audit.lines.map(({ verb, outcome, name }) => [verb, outcome, name])).toEqual([
      ['open', 'refused', 'db'],
      ['open', 'refused', 'db'],
      ['open', 'refused', 'absent'],
      ['open', 'done', 'db'],
    ]);
  });

  it('are opened only for agents of a cluster that the namespace releases to', async () => {
    const { token: eu } = await h.tokens.create({ name: 'agent-eu', roles: ['agent'], cluster: 'eu' });
    const open = () => h.raw({ path: '/agent/v1/secrets/default/db', token: eu });
    expect((await open()).status).toBe(403);
    const environment = {
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'Environment',
      metadata: { name: 'production' },
      spec: { clusters: ['eu'] },
    };
    await h.client('admin').create(environment);
    expect((await open()).status).toBe(200);
  });
});
