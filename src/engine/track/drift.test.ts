import { describe, expect, it } from 'vitest';
import type { RevisionSpec, TrackStatus } from '../../api/revision.ts';
import { driftOf, type SeenStanding } from './drift.ts';
import { initialTrack } from './input.ts';

const LIVE = {
  number: 4,
  workloads: [
    { name: 'web', type: 'service' },
    { name: 'jobs', type: 'worker' },
    { name: 'schema', type: 'migration' },
  ],
} as unknown as RevisionSpec;

const STANDS: TrackStatus = {
  ...initialTrack(0),
  live: 'shop-local-r4',
  applied: 'digest',
  replicas: { web: 3, jobs: 1 },
  standing: { inPlace: 'digest', routes: [{ host: 'shop.localhost', path: '/', workload: 'web' }] },
} as unknown as TrackStatus;

const SEEN: SeenStanding = {
  workloads: [
    { version: 'web-r4', wanted: 3 },
    { version: 'jobs-r4', wanted: 1 },
  ],
  services: [{ workload: 'web', weights: { 'web-r4': 100 } }],
};

describe('what somebody else wrote over', () => {
  it.each<[string, Partial<SeenStanding>, Partial<TrackStatus>, string | null]>([
    ['is nothing where all is as it was applied', {}, {}, null],
    [
      'is a size',
      { workloads: [{ version: 'web-r4', wanted: 0 }] },
      {},
      'web-r4 is wanted with 0 instances, not 3',
    ],
    [
      'is the traffic',
      { services: [{ workload: 'web', weights: { 'web-r3': 100 } }] },
      {},
      'web-r4 has 0 % of the traffic',
    ],
    ['is not what is not shown yet', { workloads: [], services: [] }, {}, null],
    [
      'is not asked for while work is under way',
      { workloads: [{ version: 'web-r4', wanted: 5 }] },
      {
        work: { execution: 'w1', purpose: 'inPlace', revision: 'shop-local-r4', applied: null, claim: null },
      },
      null,
    ],
    ['is not asked for twice', { workloads: [{ version: 'web-r4', wanted: 5 }] }, { applied: null }, null],
  ])('%s', (_, seen, track, expected) => {
    expect(driftOf({ ...STANDS, ...track } as TrackStatus, LIVE, { ...SEEN, ...seen })).toBe(expected);
  });
});
