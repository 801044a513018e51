import { beforeEach, describe, expect, it } from 'vitest';
import { API_VERSION } from '../api/meta.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { memoryStore } from '../store/memory/memory-store.ts';
import type { ControllerContext } from './context.ts';
import { carryOut } from './track-effects.ts';
import type { GatheredTrack } from './track-input.ts';

const where = { namespace: 'default', application: 'shop', environment: 'local' };
const key = { kind: 'Revision', namespace: 'default', name: 'shop-local-r3' };
const clock = systemClock();
let store: ReturnType<typeof memoryStore>;

const hold = (release: string) =>
  carryOut({ store, clock } as unknown as ControllerContext, where, {} as GatheredTrack, {
    ...{ type: 'holdRevision', name: key.name, release },
  });
const stored = async () => {
  const revision = await store.get(key);
  if (revision === undefined) throw new Error('it is gone');
  return revision.metadata;
};

beforeEach(async () => {
  store = memoryStore({ clock, random: systemRandom() });
  await store.create({
    apiVersion: API_VERSION,
    kind: 'Revision',
    metadata: { name: key.name, namespace: key.namespace },
    spec: { number: 3 },
  });
});

// Found by seed 4747 of the simulator: a revision was collected in the moment in which a retry released it again.
describe('an older revision that is about to be released again', () => {
  it('is not taken by whoever selected it to go before that was known', async () => {
    const { uid, resourceVersion } = await stored();
    await hold('shop-local-r3-2');
    await expect(store.delete(key, { uid, resourceVersion })).rejects.toMatchObject({ code: 'conflict' });
    expect((await stored()).generation).toBe(1);
  });

  it('is written once for one release', async () => {
    await hold('shop-local-r3-2');
    const { resourceVersion } = await stored();
    await hold('shop-local-r3-2');
    expect((await stored()).resourceVersion).toBe(resourceVersion);
    await hold('shop-local-r3-3');
    expect((await stored()).resourceVersion).not.toBe(resourceVersion);
  });

  it('throws the decision away where it has gone already', async () => {
    await store.delete(key);
    await expect(hold('shop-local-r3-2')).rejects.toMatchObject({ code: 'conflict' });
  });
});
