import { describe, expect, it } from 'vitest';
import { guarded, pointer, swap } from '../../src/kubernetes/json-patch.ts';
import { type ErrorCode, isSlipwayError } from '../../src/lib/errors.ts';
import { CONFIG_MAP, type ConfigMap, clientOf, credentials, inNamespace } from './support/cluster.ts';
import type { Fault } from './support/fault-proxy.ts';
import { proxied } from './support/proxied.ts';

const cluster = proxied();

const within = (run: (namespace: string) => Promise<void>) => () => inNamespace(cluster.direct, run);
const map = (namespace: string, name: string, data: Record<string, string> = { a: '1' }): ConfigMap => ({
  metadata: { name, namespace },
  data,
});
/** One fault for each call that begins like this, in turn; then none. */
const faults = (begins: string, ...list: Fault[]) => {
  const left = [...list];
  cluster.proxy.fault = (call) => (call.startsWith(begins) ? left.shift() : undefined);
};
const calls = (begins: string) => cluster.proxy.requests.filter((call) => call.startsWith(begins)).length;
const refused = (code: ErrorCode, promise: Promise<unknown>) =>
  expect(promise).rejects.toSatisfy((error: unknown) => isSlipwayError(error, code), `the error ${code}`);

describe('verbs', () => {
  it(
    'create, get, replace and delete as the API has them',
    within(async (namespace) => {
      const made = await cluster.client.create<ConfigMap>(CONFIG_MAP, map(namespace, 'a'));
      await refused('alreadyExists', cluster.client.create(CONFIG_MAP, map(namespace, 'a')));
      expect(await cluster.client.get<ConfigMap>(CONFIG_MAP, { namespace, name: 'a' })).toEqual(made);
      const next = await cluster.client.replace<ConfigMap>(CONFIG_MAP, { ...made, data: { a: '2' } });
      expect(next.data).toEqual({ a: '2' });
      await refused('conflict', cluster.client.replace(CONFIG_MAP, { ...made, data: { a: '3' } }));
      const key = { namespace, name: 'a' };
      await refused('conflict', cluster.client.delete(CONFIG_MAP, key, { uid: 'another' }));
      await cluster.client.delete(CONFIG_MAP, key, { uid: made.metadata.uid });
      expect(await cluster.client.get(CONFIG_MAP, key)).toBeUndefined();
      expect(await cluster.client.delete(CONFIG_MAP, key)).toBeUndefined();
    }),
  );

  it(
    'a dry run is checked and stores nothing',
    within(async (namespace) => {
      await cluster.client.create(CONFIG_MAP, map(namespace, 'a'), { dryRun: true });
      await refused(
        'invalid',
        cluster.client.create(CONFIG_MAP, map(namespace, 'Not A Name'), { dryRun: true }),
      );
      expect(await cluster.client.get(CONFIG_MAP, { namespace, name: 'a' })).toBeUndefined();
    }),
  );

  it('a kind that is not served is an error, and no absence', () =>
    refused(
      'notFound',
      cluster.client.get(
        { ...CONFIG_MAP, group: 'nobody.example', plural: 'nothings' },
        { namespace: 'default', name: 'a' },
      ),
    ));

  it(
    'lists in pages of one state, and says what a list leaves out',
    within(async (namespace) => {
      for (const name of ['a', 'b', 'c', 'd', 'e'])
        await cluster.client.create(CONFIG_MAP, map(namespace, name));
      const first = await cluster.client.list<ConfigMap>(CONFIG_MAP, { namespace }, { limit: 2 });
      expect(first.items.map(({ metadata, kind }) => `${kind} ${metadata.name}`)).toEqual([
        'ConfigMap a',
        'ConfigMap b',
      ]);
      await cluster.client.delete(CONFIG_MAP, { namespace, name: 'd' });
      const all = await cluster.client.listAll<ConfigMap>(CONFIG_MAP, { namespace }, { limit: 2 });
      expect(all.items.map(({ metadata }) => metadata.name)).toEqual([
        'a',
        'b',
        'c',
        'e',
        'kube-root-ca.crt',
      ]);
    }),
  );

  it(
    'a guarded patch changes what was read and nothing else',
    within(async (namespace) => {
      const made = await cluster.client.create<ConfigMap>(
        CONFIG_MAP,
        map(namespace, 'a', { ours: '1', theirs: 'x' }),
      );
      const patch = guarded(made, ...swap(pointer('data', 'ours'), '1', '2'));
      const next = await cluster.client.patch<ConfigMap>(CONFIG_MAP, made.metadata, patch);
      expect(next.data).toEqual({ ours: '2', theirs: 'x' });
      await refused('conflict', cluster.client.patch(CONFIG_MAP, made.metadata, patch));
      const wrong = guarded(next, ...swap(pointer('data', 'ours'), 'else', '3'));
      await refused('conflict', cluster.client.patch(CONFIG_MAP, made.metadata, wrong));
      expect((await cluster.client.get<ConfigMap>(CONFIG_MAP, made.metadata))?.data?.ours).toBe('2');
    }),
  );

  it(
    'server-side apply takes back what it applied and leaves what others own',
    within(async (namespace) => {
      const other = clientOf(await credentials(), 'somebody-else');
      const applied = (data: Record<string, string>) => map(namespace, 'a', data);
      await cluster.client.apply(CONFIG_MAP, applied({ one: '1', two: '2' }));
      await other.apply(CONFIG_MAP, applied({ three: '3' }));
      const next = await cluster.client.apply<ConfigMap>(CONFIG_MAP, applied({ one: '1' }));
      expect(next.data).toEqual({ one: '1', three: '3' });
      await refused('conflict', cluster.client.apply(CONFIG_MAP, applied({ one: '1', three: '4' })));
      const forced = await cluster.client.apply<ConfigMap>(CONFIG_MAP, applied({ one: '1', three: '4' }), {
        force: true,
      });
      expect(forced.data).toEqual({ one: '1', three: '4' });
      other.close();
    }),
  );
});

describe('what goes wrong on the way', () => {
  const get = 'GET /api/v1/namespaces/';
  const post = 'POST /api/v1/namespaces/';

  it(
    'what was not looked at (429) is sent again, a write too, after the time that was asked for',
    within(async (namespace) => {
      faults(post, { answer: 429, headers: { 'retry-after': '1' } });
      const began = performance.now();
      await cluster.client.create(CONFIG_MAP, map(namespace, 'a'));
      expect(performance.now() - began).toBeGreaterThanOrEqual(990);
      expect(calls(post)).toBe(2);
    }),
  );

  it.each<[string, Fault]>([
    ['500', { answer: 500 }],
    ['503', { answer: 503 }],
    ['a reset', { reset: 'before' }],
    ['a reset behind the answer', { reset: 'after' }],
  ])('a read is sent again after %s', (_, fault) =>
    inNamespace(cluster.direct, async (namespace) => {
      await cluster.direct.create(CONFIG_MAP, map(namespace, 'a'));
      faults(get, fault, fault);
      expect(await cluster.client.get(CONFIG_MAP, { namespace, name: 'a' })).toBeDefined();
      expect(calls(get)).toBe(3);
    }),
  );

  it.each<[string, Fault, ErrorCode, boolean]>([
    ['500', { answer: 500 }, 'internal', false],
    ['503', { answer: 503 }, 'unavailable', false],
    ['a reset before it was carried out', { reset: 'before' }, 'unavailable', false],
    ['a reset after it was carried out', { reset: 'after' }, 'unavailable', true],
  ])('a write is never repeated by itself after %s: whoever wrote reads again', (_, fault, code, happened) =>
    inNamespace(cluster.direct, async (namespace) => {
      faults(post, fault);
      await refused(code, cluster.client.create(CONFIG_MAP, map(namespace, 'a')));
      expect(calls(post)).toBe(1);
      expect((await cluster.direct.get(CONFIG_MAP, { namespace, name: 'a' })) !== undefined).toBe(happened);
    }),
  );

  it('an answer that is no JSON says so', async () => {
    faults(get, { answer: 200, body: undefined, headers: {} });
    expect(await cluster.client.get(CONFIG_MAP, { namespace: 'default', name: 'a' })).toBeUndefined();
  });
});
