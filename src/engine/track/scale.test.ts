import { describe, expect, it } from 'vitest';
import { VirtualTrack, workloadOf } from '../../../test/support/virtual-track.ts';
import type { TrackCommand } from './input.ts';

const file = {
  workloads: { web: workloadOf(1), api: workloadOf(1), admin: workloadOf(1) },
  routes: [{ host: 'shop.localhost', workload: 'web' }],
};
const scale = (workload: string, replicas: number, index: number): TrackCommand => ({
  uid: `scale-${index}`,
  verb: 'scale',
  release: null,
  by: 'dana',
  roles: ['developer'],
  at: '2026-11-20T12:00:00.000Z',
  why: null,
  parameters: { workload, replicas },
});

describe('several commands to scale at once', () => {
  it.each([
    ['of different workloads', [scale('web', 8, 1), scale('api', 3, 2), scale('admin', 1, 3)], [8, 3, 1]],
    [
      'of the same one: the last counts',
      [scale('web', 8, 1), scale('web', 9, 2), scale('web', 4, 3)],
      [4, 6, 6],
    ],
  ])('%s change the file once, all of them together', (_, commands, [web, api, admin]) => {
    const { effects, replies } = new VirtualTrack(file).settle().step(commands);
    expect(replies.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
    const changes = effects.filter(({ type }) => type === 'scaleApplication');
    expect(changes).toHaveLength(1);
    expect(changes[0]).toMatchObject({
      by: 'dana',
      spec: { workloads: { web: { replicas: web }, api: { replicas: api }, admin: { replicas: admin } } },
    });
  });
});
