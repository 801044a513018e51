import { expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import { workloadOf } from '../../test/support/virtual-track.ts';
import { API_VERSION } from '../api/meta.ts';
import { systemRandom } from '../lib/random.ts';
import { memoryStore } from '../store/memory/memory-store.ts';
import { gatherTrack } from './track-input.ts';

it('reads the track before all that is held against it: older than its claims nothing may be', async () => {
  const clock = autoClock();
  const store = memoryStore({ clock, random: systemRandom() });
  await store.create({
    apiVersion: API_VERSION,
    kind: 'Application',
    metadata: { name: 'shop', namespace: 'default' },
    spec: { workload: workloadOf(1) },
  });
  const reads: string[] = [];
  const watched: typeof store = {
    ...store,
    get: async (key) => {
      reads.push(`${key.kind} asked`);
      const found = await store.get<never>(key);
      reads.push(`${key.kind} read`);
      return found;
    },
    list: async (kind, how) => {
      reads.push(`${kind} asked`);
      return await store.list<never>(kind, how);
    },
  };
  await gatherTrack(
    watched,
    { namespace: 'default', application: 'shop', environment: 'local' },
    { now: clock.now() },
  );
  expect(reads.slice(0, 2)).toEqual(['Track asked', 'Track read']);
  expect(reads).toContain('Revision asked');
});
