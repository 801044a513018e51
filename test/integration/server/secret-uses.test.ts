import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_VERSION } from '../../../src/api/meta.ts';
import { initialTrack } from '../../../src/engine/track/input.ts';
import type { SecretUse } from '../../../src/server/secret-uses.ts';
import { type Harness, secret, startHarness } from './harness.ts';

/** Who uses a secret, and that what is in use is not taken away unless a person says why. */
let h: Harness;
const env = (...keys: readonly string[]) =>
  Object.fromEntries(keys.map((key) => [key.toUpperCase(), { secret: 'svc', key }]));
const workload = (...keys: readonly string[]) => ({
  artifact: `shop@sha256:${'0'.repeat(64)}`,
  command: ['x'],
  port: {},
  readiness: { http: { path: '/' } },
  env: env(...keys),
});

async function make(kind: string, name: string, spec: unknown, status?: unknown): Promise<void> {
  const object = { apiVersion: API_VERSION, kind, metadata: { name, namespace: 'default' }, spec };
  await h.store.create({ ...object, ...(status === undefined ? {} : { status }) });
}
const track = (application: string, environment: string, more: Record<string, unknown>) =>
  make(
    'Track',
    `${application}-${environment}`,
    { application, environment },
    { ...initialTrack(), ...more },
  );
const revision = (name: string, ...keys: readonly string[]) =>
  make('Revision', name, { workloads: [{ name: 'x', env: env(...keys) }] });

beforeAll(async () => {
  h = await startHarness();
  for (const name of ['local', 'staging']) await make('Environment', name, { clusters: ['local'] });
  await make('Application', 'shop', {
    workload: workload('live'),
    environments: {
      staging: { workload: { env: env('staged') } },
      nowhere: { workload: { env: env('far') } },
    },
  });
  await track('shop', 'local', {
    live: 'shop-local-r2',
    warm: [{ revision: 'shop-local-r1', since: '', expiresAt: '' }],
  });
  await revision('shop-local-r1', 'warm');
  await revision('shop-local-r2', 'live');
  await make('Application', 'slow', { workload: workload('live'), release: 'manual' });
  await make('Application', 'held', { workload: workload('live') });
  await track('held', 'local', { hold: { since: '', by: 'dana', why: null } });
  await make('Application', 'other', {
    workload: { ...workload(), env: { A: { secret: 'db', key: 'live' } } },
  });
  const data = { live: 'a', warm: 'b', staged: 'c', spare: 'd', idle: 'e' };
  await h.client('admin').create(secret('svc', data));
});
afterAll(() => h.stop());

const keys = async (): Promise<string[]> => {
  const { status } = await h.client('admin').get('Secret', 'svc');
  return Object.keys((status as { keys: object }).keys);
};

describe('uses of a secret', () => {
  it('are files of every environment that is there, and revisions that run or wait warm', async () => {
    expect(await h.client('developer').secretUses('svc')).toEqual([
      { application: 'held', environment: 'local', keys: ['live'], automatic: [] },
      { application: 'shop', environment: 'local', keys: ['live', 'warm'], automatic: ['live'] },
      {
        application: 'shop',
        environment: 'staging',
        keys: ['live', 'staged'],
        automatic: ['live', 'staged'],
      },
      { application: 'slow', environment: 'local', keys: ['live'], automatic: [] },
    ] satisfies SecretUse[]);
  });

  it('are known before the secret is there', async () => {
    expect(await h.client('developer').secretUses('db')).toMatchObject([{ application: 'other' }]);
    expect(await h.client('developer').secretUses('nobody')).toEqual([]);
  });
});

describe('a value', () => {
  const admin = () => h.client('admin');
  const remove = (key: string, force?: string) =>
    admin().patch('Secret', 'svc', { spec: { data: { [key]: null } } }, force === undefined ? {} : { force });

  it('that nobody uses goes', async () => {
    await remove('spare');
    expect(await keys()).toEqual(['live', 'warm', 'staged', 'idle']);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'live',
      () => remove('live'),
      /in use by held in local \(live\), shop in local \(live\), shop in staging \(live\), slow/,
    ],
    ['warm', () => remove('warm'), /in use by shop in local \(warm\): /],
    ['with all the others', () => admin().delete('Secret', 'svc'), /shop in local \(live, warm\)/],
    ['for no reason', () => admin().delete('Secret', 'svc', { force: ' ' }), /is in use by/],
    [
      'replaced',
      async () => {
        const stored = await admin().get('Secret', 'svc');
        await admin().replace({ ...stored, spec: { data: { idle: 'e' } } });
      },
      /is in use by/,
    ],
  ])('that is used stays: %s', async (_, take, words) => {
    await expect(take()).rejects.toMatchObject({ code: 'refused', message: expect.stringMatching(words) });
    expect(await keys()).toEqual(['live', 'warm', 'staged', 'idle']);
  });

  it('that is used goes for a reason, which stands in the audit', async () => {
    await remove('warm', 'it leaked');
    expect(await keys()).toEqual(['live', 'staged', 'idle']);
    expect(h.audit.lines.at(-1)).toMatchObject({ verb: 'patch', name: 'svc', why: 'it leaked' });
    await admin().delete('Secret', 'svc', { force: 'it is all over' });
    expect(h.audit.lines.at(-1)).toMatchObject({ verb: 'delete', why: 'it is all over' });
  });
});
