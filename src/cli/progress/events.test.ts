import { describe, expect, it } from 'vitest';
import {
  at,
  executionFixture,
  gateRunFixture,
  releaseFixture,
  SMOKE,
  STAGE_1_DONE,
  STAGE_3_RUNNING,
  STAGES,
  stageStatus,
  T0,
} from '../../../test/support/release-fixture.ts';
import type { Execution, GateRun } from '../../api/execution.ts';
import type { Stage } from '../../api/plan.ts';
import type { Release, ReleaseStatus, Waiting } from '../../api/release.ts';
import { newEvents } from './events.ts';
import { renderRelease } from './render-release.ts';
import { timeoutWords } from './watch-release.ts';

const [GREEN, ...REST] = STAGES as [Stage, ...Stage[]];
const withPlan = (release: Release, first: Partial<Stage>): Release => ({
  ...release,
  spec: { ...release.spec, plan: { ...release.spec.plan, stages: [{ ...GREEN, ...first }, ...REST] } },
});
const waiting = (of: Waiting['for'], message: string): Waiting => ({
  for: of,
  message,
  who: 'anyone with role releaser',
  commands: ['slipway promote shop-local-r2'],
  since: at(0),
  expiresAt: null,
  onExpiry: null,
});
const first = (state: NonNullable<ReleaseStatus['stages'][number]>['state'], more: object = {}) =>
  releaseFixture({
    stages: [stageStatus(1, { state, startedAt: at(0), ...more }), stageStatus(2), stageStatus(3)],
  });
const APPROVAL = { ...SMOKE, name: 'consent', after: undefined, before: 1, http: undefined, approval: {} };
const consent = (status: Parameters<typeof gateRunFixture>[0]): GateRun => {
  const run = gateRunFixture(status);
  return { ...run, spec: { ...run.spec, when: 'before', gate: { ...run.spec.gate, name: 'consent' } } };
};
const BEFORE = { gatesBefore: [APPROVAL as unknown as Stage['gatesBefore'][number]], gatesAfter: [] };

const ABORTING = releaseFixture({
  phase: 'Aborting',
  direction: 'back',
  turn: { cause: 'abort', by: 'dana', at: at(1), why: null },
  stages: [
    stageStatus(1, { state: 'failed', startedAt: at(0), endedAt: at(1) }),
    stageStatus(2),
    stageStatus(3),
  ],
});

type Look = readonly [
  release: Release,
  gateRuns?: readonly GateRun[],
  now?: number,
  executions?: readonly Execution[],
];

/** What is said at each look, without the headline. */
function told(...looks: readonly Look[]): string[][] {
  const said = new Set<string>(['headline']);
  return looks.map(([release, gateRuns = [], now = T0, executions = []]) =>
    newEvents({ release, executions, gateRuns }, said, now),
  );
}

describe('lines of a watch that is piped', () => {
  it.each<[string, readonly Look[], readonly (readonly string[])[]]>([
    [
      'a stage that is asked about first has not begun',
      [
        [withPlan(first('gatesBefore'), BEFORE)],
        [
          withPlan(first('gatesBefore'), BEFORE),
          [consent({ verdict: 'fail', by: 'dana', message: 'fail by dana' })],
        ],
      ],
      [[], ['    ✗ gate consent: rejected by dana (12 ms)']],
    ],
    [
      'a stage is done when it waits at its end, and that is said once',
      [
        [
          withPlan(
            releaseFixture({
              phase: 'Paused',
              waiting: waiting('promotion', 'Waiting for promote: x'),
              stages: [
                stageStatus(1, { state: 'waiting', startedAt: at(-0.4) }),
                stageStatus(2),
                stageStatus(3),
              ],
            }),
            { advance: { kind: 'manual' }, gatesAfter: [] },
          ),
        ],
        [
          withPlan(releaseFixture({ stages: [STAGE_1_DONE, stageStatus(2), stageStatus(3)] }), {
            gatesAfter: [],
          }),
        ],
      ],
      [
        [
          '  ✓ 1 green 1: 6 old + 1 new, no traffic yet (400 ms)',
          '◌ Waiting for promote: x.',
          '  Anyone with role releaser can unblock it:',
          '  slipway promote shop-local-r2',
        ],
        [],
      ],
    ],
    [
      'a gate that is heard of late says where it belongs',
      [
        [releaseFixture({ stages: [STAGE_1_DONE, stageStatus(2), STAGE_3_RUNNING] }), [], T0 + 5_000],
        [
          releaseFixture({ stages: [STAGE_1_DONE, stageStatus(2), STAGE_3_RUNNING] }),
          [gateRunFixture({})],
          T0 + 6_000,
        ],
      ],
      [
        ['  ✓ 1 green 1: 6 old + 1 new, no traffic yet (400 ms)', '  ● 3 green 6, blue 0: begun'],
        ['    ✓ gate smoke of stage 1: GET /healthz 200 (12 ms)'],
      ],
    ],
    [
      'so does one of a stage that somebody stopped, since the way back is told by then',
      [
        [ABORTING, [], T0 + 5_000],
        [ABORTING, [gateRunFixture({})], T0 + 6_000],
      ],
      [
        ['  - 1 green 1: aborted', '↩ turning back: as asked'],
        ['    ✓ gate smoke of stage 1: GET /healthz 200 (12 ms)'],
      ],
    ],
    [
      'an approval that nobody answered failed nobody',
      [
        [
          withPlan(first('gatesBefore'), BEFORE),
          [
            consent({
              verdict: 'inconclusive',
              by: 'slipway',
              message: 'not answered: the release was aborted by dana',
            }),
          ],
        ],
      ],
      [['    - gate consent: not answered: the release was aborted by dana']],
    ],
  ])('%s', (_, looks, lines) => {
    expect(told(...looks)).toEqual(lines);
  });

  it('work that takes long says how it stands, less and less often', () => {
    const release = first('running', { execution: 'shop-local-r2-e1-s1' });
    const words = '0 of 1 ready, 1 starting; GET / answered 401, not 200';
    const execution = executionFixture(1, [{ id: 'shop/ready', state: 'running', message: words }]);
    const look = (seconds: number): Look => [release, [], T0 + seconds * 1_000, [execution]];
    const still = (time: string) => [`  … 1 green 1: ${words} (${time})`];
    expect(told(...[1, 9, 10, 15, 21, 39, 41, 90].map(look))).toEqual([
      ['  ● 1 green 1: begun'],
      [],
      still('10 s'),
      [],
      still('20 s'),
      [],
      still('40 s'),
      still('1 min 20 s'),
    ]);
  });
});

describe('rows of a stage that waits', () => {
  it.each<[string, Stage['advance'], string]>([
    ['for a person', { kind: 'manual' }, 'done, waits for promote'],
    ['for time', { kind: 'soak', ms: 300_000 }, 'done, watched for 5 min'],
  ])('%s', (_, advance, words) => {
    const release = withPlan(first('waiting'), { advance, gatesAfter: [] });
    expect(renderRelease(release, [], [], T0, 100)[1]).toContain(words);
  });

  it('and says no gates where it has none', () => {
    expect(
      renderRelease(withPlan(first('gatesAfter'), { gatesAfter: [] }), [], [], T0, 100)[1],
    ).not.toContain('gates');
    expect(renderRelease(first('gatesAfter'), [], [], T0, 100)[1]).toContain('asking its gates');
  });
});

it.each<[string, Release | undefined, string]>([
  ['works', releaseFixture({}), 'Release r goes on and has taken longer than --timeout.'],
  ['is queued', undefined, 'Release r has not begun within --timeout.'],
  [
    'waits for a person',
    releaseFixture({ waiting: waiting('promotion', 'Paused by dana: waiting for resume') }),
    'Release r still waits at the end of --timeout: Paused by dana: waiting for resume.',
  ],
])('--timeout of a release that %s', (_, release, words) => {
  expect(timeoutWords('r', release)).toBe(words);
});

it.each([60, 80, Number.POSITIVE_INFINITY])('commands are never cut at %d cells', (width) => {
  const next =
    'the same revision again: slipway retry shop-local-r2, or a changed one: slipway release shop -e local';
  const release = releaseFixture({
    phase: 'RolledBack',
    endedAt: at(1),
    failure: { reason: 'x', message: 'it broke', affects: '', next },
  });
  const text = renderRelease(release, [], [], T0, width)
    .map((line) => line.trim())
    .join(' ');
  expect(text).toContain(next);
});
