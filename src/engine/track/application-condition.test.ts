import { describe, expect, it } from 'vitest';
import { VirtualTrack, workloadOf } from '../../../test/support/virtual-track.ts';
import { applicationCondition } from './application-condition.ts';

const spec = (version: number, more: Record<string, unknown> = {}) => ({
  workload: workloadOf(version),
  routes: [{ host: 'shop.localhost' }],
  strategy: { blueGreen: { pause: [], retention: { time: '30m', count: 1 } } },
  ...more,
});
const released = (environment: Record<string, unknown> = {}) =>
  new VirtualTrack(spec(1), environment).settle().endRelease('Succeeded');
const said = (track: VirtualTrack) => applicationCondition(track.input(), track.track, [], 'Ready');
const failed = (phase: 'Aborted' | 'RolledBack' | 'Failed' | 'Superseded') => {
  const track = released().apply(spec(2));
  const release = track.releases['shop-local-r2'];
  if (release === undefined) throw new Error('no release');
  release.status.waiting.message = `${phase}: shop-local-r1 serves (too slow)`;
  return track.endRelease(phase);
};
const approval = { protection: { approval: { by: 'releaser', expires: '1h' } } };

describe('whether what was applied is what serves', () => {
  it.each<[string, () => VirtualTrack, 'True' | 'False', string, readonly string[]]>([
    ['it serves', () => released(), 'True', 'Serving', ['shop-local-r1 serves']],
    ['its release is under way', () => released().apply(spec(2)), 'False', 'Releasing', ['shop-local-r2']],
    [
      'nothing was released',
      () => new VirtualTrack(spec(1, { release: 'manual' })).settle(),
      'False',
      'NotReleased',
      ['slipway release shop'],
    ],
    [
      'its release was aborted',
      () => failed('Aborted'),
      'False',
      'Aborted',
      ['shop-local-r1 serves', 'shop-local-r2', 'too slow', 'slipway release shop'],
    ],
    ['its release turned back', () => failed('RolledBack'), 'False', 'RolledBack', ['shop-local-r1 serves']],
    ['its release failed', () => failed('Failed'), 'False', 'Failed', ['shop-local-r2']],
    [
      'a rollback holds it',
      () => {
        const track = released();
        track.apply(spec(2)).endRelease('Succeeded');
        track.command('rollback');
        return track.settle().endRelease('Succeeded');
      },
      'False',
      'Held',
      ['shop-local-r1 serves', 'dana', 'slipway resume shop'],
    ],
    [
      'a rollback holds what was aborted once and served since',
      () => {
        const track = failed('Aborted');
        track.command('release');
        track.settle().endRelease('Succeeded').command('rollback');
        return track.settle().endRelease('Succeeded');
      },
      'False',
      'Held',
      ['shop-local-r1 serves', 'dana', 'slipway resume shop'],
    ],
    [
      'what was rolled back to is what is applied',
      () => {
        const track = released();
        track.apply(spec(2)).endRelease('Succeeded');
        track.command('rollback');
        return track.settle().endRelease('Succeeded').apply(spec(1));
      },
      'True',
      'Held',
      ['shop-local-r1 serves'],
    ],
    [
      'its releases are manual',
      () => released().apply(spec(2, { release: 'manual' })),
      'False',
      'NotReleased',
      ['shop-local-r1 serves', 'slipway release shop'],
    ],
    [
      'it is invalid',
      () => released().apply({ ...spec(2), workload: { replicas: 'x' } }),
      'False',
      'Invalid',
      ['spec.workload', 'shop-local-r1 serves'],
    ],
    [
      'its plan is refused',
      () => released({ maxInstances: 12 }).apply(spec(2, { workload: workloadOf(2, { replicas: 20 }) })),
      'False',
      'Refused',
      ['needs 26 instances', 'shop-local-r1 serves'],
    ],
    [
      'replicas wait for an approval',
      () => released(approval).apply(spec(1, { workload: workloadOf(1, { replicas: 8 }) })),
      'False',
      'WaitingForApproval',
      ['shop-local-r1 serves', 'shop 6 → 8 instances', 'releaser', 'slipway approve shop'],
    ],
    [
      'replicas were refused their approval',
      () => {
        const track = released(approval).apply(spec(1, { workload: workloadOf(1, { replicas: 8 }) }));
        track.command('reject', { change: track.track.change?.digest });
        return track;
      },
      'False',
      'Rejected',
      ['shop-local-r1 serves', 'shop 6 → 8 instances', 'dana'],
    ],
    [
      'replicas are on their way',
      () => released().apply(spec(1, { workload: workloadOf(1, { replicas: 8 }) })),
      'False',
      'Applying',
      ['shop-local-r1 serves'],
    ],
    [
      'replicas cannot be applied',
      () =>
        released()
          .apply(spec(1, { workload: workloadOf(1, { replicas: 8 }) }))
          .endWork('Failed', 'notReady'),
      'False',
      'Applying',
      ['shop-local-r1 serves', 'cannot be applied: ', 'tried again'],
    ],
  ])('%s', (_, make, status, reason, words) => {
    const condition = said(make());
    expect(condition).toMatchObject({ status, reason });
    for (const word of words) expect(condition.message).toContain(word);
  });

  it('tells which generation it speaks of', () => {
    expect(said(released())).toMatchObject({ observedGeneration: 1 });
  });

  it('a success after a failure is not told of as failed', () => {
    const track = failed('Aborted');
    track.command('release');
    expect(said(track.settle().endRelease('Succeeded'))).toMatchObject({ status: 'True', reason: 'Serving' });
  });
});
