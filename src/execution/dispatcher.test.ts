import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import { execution, executionSpec, VERSION } from '../../test/support/execution-orders.ts';
import type { Execution } from '../api/execution.ts';
import { API_VERSION, type ApiObject, type Stored } from '../api/meta.ts';
import type { Release } from '../api/release.ts';
import { silentLog } from '../lib/log.ts';
import { systemRandom } from '../lib/random.ts';
import { memoryStore } from '../store/memory/memory-store.ts';
import { AgentConnection } from './agent-connection.ts';
import { Dispatcher } from './dispatcher.ts';
import { type ManagerFrame, PROTOCOL_VERSION } from './protocol.ts';
import { StatusWriter } from './status-writer.ts';

async function make() {
  const clock = autoClock();
  const store = memoryStore({ clock, random: systemRandom() });
  const { signal } = new AbortController();
  const sent: ManagerFrame[] = [];
  let hear: (text: string) => void = () => {};
  const connection = new AgentConnection(
    {
      ...{ clock, log: silentLog, version: VERSION, leaseMs: 60_000, cluster: 'local' },
      greeted: () => {},
      frame: () => {},
      closed: () => {},
    },
    (events) => {
      hear = events.frame;
      return {
        open: true,
        pause: () => {},
        resume: () => {},
        close: () => {},
        send: async (text) => {
          sent.push(JSON.parse(text) as ManagerFrame);
          return true;
        },
      };
    },
  );
  const writer = new StatusWriter({ store, clock, log: silentLog, version: VERSION, signal });
  const dispatcher = new Dispatcher({
    ...{ store, signal, clock, log: silentLog, version: VERSION, writer },
    standings: { forget: () => {} },
    connectionOf: (cluster) => (cluster === 'local' ? connection : undefined),
    connections: () => [connection],
  });
  const hello = (holds: unknown[] = []) => {
    hear(
      JSON.stringify({
        ...{ type: 'hello', protocol: PROTOCOL_VERSION, version: VERSION, cluster: 'local', holds },
        address: { entry: [] },
      }),
    );
    dispatcher.connected(connection);
  };
  const release = (epoch: number, phase: string) =>
    store.create({
      apiVersion: API_VERSION,
      kind: 'Release',
      metadata: { name: 'shop-local-r2', namespace: 'default' },
      spec: { clusters: ['local'] },
      status: { epoch, phase },
    }) as Promise<Stored<Release>>;
  return {
    clock,
    store,
    dispatcher,
    connection,
    sent,
    hello,
    release,
    orders: () => sent.filter((f) => f.type === 'order'),
  };
}

it('reads the release once more before it sends: a commit that the watch has not brought stops it (INV-20)', async () => {
  const { clock, store, dispatcher, hello, release, orders } = await make();
  dispatcher.releasesListed([]);
  hello();
  await release(2, 'Aborting');
  dispatcher.executionsListed([await store.create<Execution>(execution(executionSpec([])))]);
  await clock.sleep(500);
  expect(orders()).toEqual([]);
  const stored = await store.get<Execution>({
    kind: 'Execution',
    namespace: 'default',
    name: 'shop-local-r2-e1-s1',
  });
  expect(stored?.status).toMatchObject({ phase: 'Cancelled' });
});

it('does not send by an answer that is older than what the watch has brought meanwhile (INV-20)', async () => {
  const { clock, store, dispatcher, hello, release, orders } = await make();
  const before = await release(1, 'Progressing');
  dispatcher.releasesListed([before]);
  hello();
  const { promise, resolve } = Promise.withResolvers<void>();
  const get = store.get;
  store.get = async <T extends ApiObject>() => {
    store.get = get;
    await promise;
    return before as unknown as Stored<T>;
  };
  dispatcher.executionsListed([await store.create<Execution>(execution(executionSpec([])))]);
  dispatcher.releaseChanged({ ...before, status: { ...before.status, epoch: 2 } } as typeof before);
  resolve();
  await clock.sleep(500);
  expect(orders()).toEqual([]);
});

it('sends again after a release that could not be read', async () => {
  const { clock, store, dispatcher, hello, release, orders } = await make();
  dispatcher.releasesListed([await release(1, 'Progressing')]);
  hello();
  const get = store.get;
  store.get = () => {
    store.get = get;
    return Promise.reject(new Error('busy'));
  };
  dispatcher.executionsListed([await store.create<Execution>(execution(executionSpec([])))]);
  await clock.sleep(500);
  expect(orders()).toHaveLength(1);
});

it('lets an agent forget releases that ended or are no more, and keeps the rest', async () => {
  const { dispatcher, sent, hello, release } = await make();
  dispatcher.releasesListed([await release(1, 'Progressing')]);
  const hold = (name: string, final = true) => ({
    ...{ execution: name, namespace: 'default', uid: name, epoch: 1, sequence: 1, final },
  });
  hello([hold('shop-local-r2-e1-s1'), hold('gone-local-r9-e1-s4'), hold('else-local-r1-e1-s1', false)]);
  expect(sent.filter(({ type }) => type === 'forget')).toEqual([
    { type: 'forget', subject: 'release/default/gone-local-r9' },
  ]);
});

describe('an execution of a name that a deleted one had', () => {
  const made = async () => {
    const scene = await make();
    const { store, dispatcher, release } = scene;
    dispatcher.releasesListed([await release(1, 'Progressing')]);
    const first = await store.create<Execution>(execution(executionSpec([])));
    return { ...scene, first };
  };
  /** Retention takes it, and a later release makes another. */
  const again = async ({ store, dispatcher, first }: Awaited<ReturnType<typeof made>>) => {
    const { name, namespace } = first.metadata;
    await store.delete({ kind: 'Execution', namespace, name });
    dispatcher.executionDeleted(first);
    return await store.create<Execution>(execution(executionSpec([])));
  };

  it('is sent on the connection that the first one was sent on', async () => {
    const scene = await made();
    const { clock, dispatcher, hello, orders, first } = scene;
    hello();
    dispatcher.executionsListed([first]);
    await clock.sleep(500);
    const second = await again(scene);
    dispatcher.executionChanged(second);
    await clock.sleep(500);
    expect(orders()).toMatchObject([{ uid: first.metadata.uid }, { uid: second.metadata.uid }]);
  });

  it('is sent to an agent that still holds the first, after a word to forget that', async () => {
    const scene = await made();
    const { clock, dispatcher, hello, sent, first } = scene;
    const { name, uid } = first.metadata;
    const second = await again(scene);
    hello([{ ...{ execution: name, namespace: 'default', uid }, epoch: 1, sequence: 1, final: true }]);
    dispatcher.executionsListed([second]);
    await clock.sleep(500);
    expect(sent.filter(({ type }) => type === 'forget' || type === 'order')).toMatchObject([
      { type: 'forget', subject: first.spec.subject },
      { type: 'order', uid: second.metadata.uid },
    ]);
    // What it holds of the subject from now on is the new release's.
    scene.connection.forgetNamesake(`default/${name}`, 'a third', first.spec.subject);
    expect(sent.filter(({ type }) => type === 'forget')).toHaveLength(1);
  });

  it('a subject that is forgotten may be cancelled again', async () => {
    const { connection } = await make();
    connection.cancelled.add('release/default/shop-local-r2@2').add('release/default/shop-local-r20@2');
    await connection.forget('release/default/shop-local-r2');
    expect([...connection.cancelled]).toEqual(['release/default/shop-local-r20@2']);
  });
});
