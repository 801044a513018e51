import { expect, it } from 'vitest';
import type { ReleaseSpec, ReleaseStatus } from '../../api/release.ts';
import { initialTrack } from './input.ts';
import { settle } from './settle.ts';

it('remembers the strategy that was wanted, also where the change to it went once by blueGreen', () => {
  const spec = {
    from: 'shop-r1',
    to: 'shop-r2',
    strategy: { rolling: { pause: [] } },
    plan: { strategy: 'blueGreen', afterwards: 'cold' },
    ...{ workloads: [], routes: [], replicas: {}, inPlace: 'x' },
  } as unknown as ReleaseSpec;
  const settled = settle(initialTrack(), { spec, status: { phase: 'Succeeded' } as ReleaseStatus }, 0);
  expect(settled).toMatchObject({ live: 'shop-r2', liveStrategy: 'rolling' });
});
