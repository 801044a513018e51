import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import type { Cluster } from '../api/environment.ts';
import { API_VERSION } from '../api/meta.ts';
import { silentLog } from '../lib/log.ts';
import { systemRandom } from '../lib/random.ts';
import { memoryStore } from '../store/memory/memory-store.ts';
import { PresenceWriter } from './presence.ts';

const AT = '2026-11-20T12:00:00.000Z';

/** Two managers' writers on one store, each told of every change as the gateway tells it. */
async function twoManagers() {
  const clock = autoClock();
  const store = memoryStore({ clock, random: systemRandom() });
  const ending = new AbortController();
  const writers = [1, 2].map(
    () => new PresenceWriter({ store, clock, log: silentLog, signal: ending.signal }),
  );
  const follow = async () => {
    for await (const { object } of store.watch<Cluster>('Cluster', { since: '0', signal: ending.signal }))
      for (const writer of writers) writer.seen(object);
  };
  const following = follow();
  await store.create<Cluster>({
    apiVersion: API_VERSION,
    kind: 'Cluster',
    metadata: { name: 'local' },
    spec: { driver: 'local' },
  });
  return {
    clock,
    store,
    writers,
    stop: async () => {
      ending.abort();
      await following;
    },
  };
}

describe('the presence of an agent', () => {
  it('comes to rest where one manager has the agent and another has lost it', async () => {
    const { clock, store, writers, stop } = await twoManagers();
    const [one, other] = writers;
    one?.set('local', { connected: true, version: '1', lastSeen: AT });
    await clock.sleep(100);
    other?.set('local', { connected: true, version: '1', lastSeen: AT });
    one?.set('local', { connected: false, version: '1', lastSeen: AT });
    await clock.sleep(1_000);
    const version = await store.currentVersion();
    await clock.sleep(1_000);
    expect(await store.currentVersion()).toBe(version);
    const cluster = await store.get<Cluster>({ kind: 'Cluster', name: 'local' });
    expect(cluster?.status?.agent?.connected).toBe(true);
    await stop();
  });
});
