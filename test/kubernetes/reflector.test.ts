import { describe, expect, it } from 'vitest';
import { type Reflection, reflect } from '../../src/kubernetes/reflector.ts';
import { eventually } from '../support/eventually.ts';
import { CONFIG_MAP, type ConfigMap, clock, inNamespace, log, random } from './support/cluster.ts';
import { proxied } from './support/proxied.ts';

const cluster = proxied();

const isWatch = (call: string) => call.includes('watch=1');
const watches = () => cluster.proxy.requests.filter(isWatch).length;
const lists = () => cluster.proxy.requests.filter((call) => !isWatch(call)).length;
/** An old version has nothing behind it: what the server says when it has compacted that. */
const EXPIRED = {
  ...{ apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', code: 410, reason: 'Expired' },
  message: 'too old resource version',
};

/** Keeps up with the config maps of one namespace by way of the proxy, and writes what was told. */
async function keepingUp(
  run: (scene: {
    namespace: string;
    reflection: Reflection<ConfigMap>;
    told: string[];
    apply(name: string, value: string): Promise<void>;
    remove(name: string): Promise<void>;
    /** Waits until it knows this of it; undefined: that it is gone. */
    knows(name: string, value: string | undefined): Promise<unknown>;
  }) => Promise<void>,
  options: { silenceMs?: number; pageSize?: number; told?: () => void } = {},
): Promise<void> {
  await inNamespace(cluster.direct, async (namespace) => {
    const ending = new AbortController();
    const told: string[] = [];
    const reflection = reflect<ConfigMap>({
      ...{
        client: cluster.client,
        type: CONFIG_MAP,
        selection: { namespace },
        clock,
        random,
        log,
        signal: ending.signal,
      },
      ...options,
      told: ({ type, object }) => {
        if (object.metadata.name !== 'kube-root-ca.crt')
          told.push(`${type} ${object.metadata.name} ${object.data?.v}`);
        options.told?.();
      },
    });
    try {
      await reflection.listed;
      await run({
        namespace,
        reflection,
        told,
        apply: async (name, v) =>
          void (await cluster.direct.apply(CONFIG_MAP, {
            metadata: { name, namespace },
            data: { v },
          } as ConfigMap)),
        remove: async (name) => void (await cluster.direct.delete(CONFIG_MAP, { namespace, name })),
        knows: (name, value) =>
          eventually(
            `${name} to be ${value}`,
            () => reflection.known.get({ namespace, name })?.data?.v === value,
            { timeoutMs: 20_000 },
          ),
      });
    } finally {
      ending.abort(new Error('the test is over'));
      await reflection.ended;
    }
  });
}

describe('the reflector keeps up', () => {
  it('with changes, in order, each once', () =>
    keepingUp(async ({ told, apply, remove, knows }) => {
      await apply('a', '1');
      await apply('a', '2');
      await apply('b', '1');
      await remove('a');
      await knows('b', '1');
      await knows('a', undefined);
      expect(told).toEqual(['ADDED a 1', 'MODIFIED a 2', 'ADDED b 1', 'DELETED a 2']);
      expect(watches()).toBe(1);
    }));

  it('over a list of several pages', () =>
    inNamespace(cluster.direct, async () =>
      keepingUp(
        async ({ apply, knows }) => {
          await apply('a', '1');
          await knows('a', '1');
        },
        { pageSize: 1 },
      ),
    ));

  it('over a watch that breaks in the middle of a line, without a new list and without a gap', () =>
    keepingUp(async ({ told, apply, knows }) => {
      cluster.proxy.fault = (call) => (isWatch(call) && watches() <= 3 ? { cutAfterLines: 1 } : undefined);
      await breakWatch();
      for (const value of ['1', '2', '3', '4', '5', '6']) await apply('a', value);
      await knows('a', '6');
      expect(told).toEqual(['ADDED a 1', ...['2', '3', '4', '5', '6'].map((v) => `MODIFIED a ${v}`)]);
      expect(lists()).toBe(1);
    }));

  it.each([
    ['a 500', { answer: 500 }],
    ['a 503', { answer: 503 }],
    ['a 429', { answer: 429, headers: { 'retry-after': '0' } }],
    ['a refused identity', { answer: 401 }],
    ['a reset', { reset: 'before' as const }],
  ])('after %s of its watch', (_, fault) =>
    keepingUp(async ({ apply, knows }) => {
      let left = 3;
      cluster.proxy.fault = (call) => (isWatch(call) && left-- > 0 ? fault : undefined);
      await breakWatch();
      await apply('a', '1');
      await knows('a', '1');
    }),
  );

  it('after a 410, by a new list, and tells no more than the difference', () =>
    keepingUp(async ({ told, apply, remove, knows }) => {
      await apply('a', '1');
      await apply('b', '1');
      await apply('c', '1');
      await knows('c', '1');
      told.length = 0;
      let gone = 1;
      cluster.proxy.fault = (call) =>
        isWatch(call) && gone-- > 0 ? { answer: 410, body: EXPIRED } : undefined;
      // Nobody hears of this.
      cluster.proxy.hold();
      await breakWatch();
      await apply('a', '2');
      await remove('b');
      await remove('c');
      await apply('c', '1');
      cluster.proxy.release();
      await knows('a', '2');
      await knows('b', undefined);
      await eventually('the namesake', () => told.includes('ADDED c 1'));
      expect([...told].sort()).toEqual(['ADDED c 1', 'DELETED b 1', 'DELETED c 1', 'MODIFIED a 2']);
      expect(lists()).toBeGreaterThan(1);
    }));

  it('over a watch that falls silent', () =>
    keepingUp(
      async ({ apply, knows }) => {
        let silent = true;
        cluster.proxy.fault = (call) => (isWatch(call) && silent ? { silence: true } : undefined);
        await breakWatch();
        await eventually('a silent watch', () => watches() >= 2);
        await apply('a', '1');
        silent = false;
        await knows('a', '1');
      },
      { silenceMs: 500 },
    ));

  it('whatever those whom it tells do', () =>
    keepingUp(
      async ({ apply, knows }) => {
        await apply('a', '1');
        await apply('a', '2');
        await knows('a', '2');
      },
      {
        told: () => {
          throw new Error('cannot be handled');
        },
      },
    ));

  it('while a restarted API server is away', () =>
    keepingUp(async ({ apply, knows }) => {
      cluster.proxy.fault = () => ({ reset: 'before' });
      await breakWatch();
      await eventually('some attempts', () => cluster.proxy.requests.length > 4, { timeoutMs: 20_000 });
      await apply('a', '1');
      cluster.proxy.fault = () => undefined;
      await knows('a', '1');
    }));
});

/** Ends the connection of every watch there is. */
const breakWatch = (): Promise<void> => cluster.proxy.breakConnections();
