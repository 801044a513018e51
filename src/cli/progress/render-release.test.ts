import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  at,
  executionFixture,
  gateRunFixture,
  releaseFixture,
  STAGE_1_DONE,
  STAGE_2_DONE,
  STAGE_3_DONE,
  STAGE_3_RUNNING,
  STAGES,
  stageStatus,
  T0,
  TRAFFIC,
} from '../../../test/support/release-fixture.ts';
import type { ReleaseStatus } from '../../api/release.ts';
import { displayWidth } from '../terminal/display-width.ts';
import { COLOURED } from '../terminal/paint.ts';
import { newEvents } from './events.ts';
import { renderRelease } from './render-release.ts';

const SMOKE_PASSED = gateRunFixture({});
const DRAINING = executionFixture(3, [
  { id: 'shop/ensure', state: 'done' },
  { id: 'shop/ready', state: 'done' },
  { id: 'shop/drain', state: 'running', message: 'draining 2 of 6, 14 in flight' },
]);

const APPROVAL: Partial<ReleaseStatus> = {
  phase: 'Paused',
  stages: [STAGE_1_DONE, stageStatus(2, { state: 'waiting', message: 'waits for approval' }), stageStatus(3)],
  waiting: {
    for: 'approval',
    message: 'Waiting for approval of stage 2',
    who: 'anyone with role releaser',
    commands: ['slipway approve shop-local-r2', 'slipway abort shop-local-r2'],
    since: at(0),
    expiresAt: null,
    onExpiry: null,
  },
};

const TURNED_BACK: Partial<ReleaseStatus> = {
  phase: 'RolledBack',
  direction: 'back',
  backStages: [
    {
      ...(STAGES[0] as (typeof STAGES)[number]),
      title: 'restore the old version',
      gatesAfter: [],
      flips: true,
      result: [
        {
          workload: 'shop',
          from: { kind: 'full' },
          to: { kind: 'zero' },
          weights: { kind: 'fixed', from: 100, to: 0 },
        },
      ],
    },
  ],
  stages: [
    STAGE_1_DONE,
    stageStatus(2, { state: 'failed', startedAt: at(0.5), endedAt: at(1.5), message: 'gate errors failed' }),
    stageStatus(3),
    stageStatus(1, {
      title: 'restore the old version',
      state: 'done',
      startedAt: at(1.5),
      endedAt: at(2),
      flip: { at: at(2), flipMs: 0.4, proof: '20/20' },
    }),
  ],
  endedAt: at(2),
  traffic: { ...TRAFFIC, failed: 2, failures: { timeout: 2 } },
  failure: {
    reason: 'gateFailed',
    message: 'Gate errors failed: 4 % of 500s.',
    affects: 'Users are on r1.',
    next: 'Mend it and run: slipway retry shop-local-r2',
  },
};

describe('the progress tree', () => {
  test.each<[string, Parameters<typeof renderRelease>, string[]]>([
    [
      'nobody has looked at it yet',
      [releaseFixture(null), [], [], T0, 100],
      [
        'Release shop r1 → r2 · scaled · plan 9c41f0',
        '  · 1 green 1          6 old + 1 new',
        '  · 2 green 4, blue 2  2 old + 4 new',
        '  · 3 green 6, blue 0  6 new',
      ],
    ],
    [
      'the last stage drains',
      [
        releaseFixture({ stages: [STAGE_1_DONE, STAGE_2_DONE, STAGE_3_RUNNING] }),
        [DRAINING],
        [SMOKE_PASSED],
        T0 + 2_700,
        100,
      ],
      [
        'Release shop r1 → r2 · scaled · plan 9c41f0',
        '  ✓ 1 green 1          6 old + 1 new    no traffic yet                 400 ms',
        '    ✓ gate smoke       GET /healthz 200                                 12 ms',
        '  ✓ 2 green 4, blue 2  67 % on r2       flip 0.3 ms, proof 20/20        1.1 s',
        '  ● 3 green 6, blue 0  ██████████░░░░░  draining 2 of 6, 14 in flight   1.0 s',
      ],
    ],
    [
      'it has succeeded',
      [
        releaseFixture({
          phase: 'Succeeded',
          stages: [STAGE_1_DONE, STAGE_2_DONE, STAGE_3_DONE],
          endedAt: at(3.2),
          traffic: TRAFFIC,
        }),
        [],
        [SMOKE_PASSED],
        T0 + 9_000,
        100,
      ],
      [
        'Release shop r1 → r2 · scaled · plan 9c41f0',
        '  ✓ 1 green 1          6 old + 1 new  no traffic yet            400 ms',
        '    ✓ gate smoke       GET /healthz 200                          12 ms',
        '  ✓ 2 green 4, blue 2  67 % on r2     flip 0.3 ms, proof 20/20   1.1 s',
        '  ✓ 3 green 6, blue 0  100 % on r2    flip 0.2 ms, proof 20/20   1.5 s',
        '',
        '✓ Released in 3.2 s. 7,914 requests, 0 failed.',
        '  slipway receipt shop-local-r2',
      ],
    ],
    [
      'it waits for an approval',
      [releaseFixture(APPROVAL), [], [], T0 + 60_000, 100],
      [
        'Release shop r1 → r2 · scaled · plan 9c41f0',
        '  ✓ 1 green 1          6 old + 1 new  no traffic yet      400 ms',
        '  ◌ 2 green 4, blue 2  2 old + 4 new  waits for approval',
        '  · 3 green 6, blue 0  6 new',
        '',
        '◌ Waiting for approval of stage 2.',
        '  Anyone with role releaser can unblock it:',
        '  slipway approve shop-local-r2',
        '  slipway abort shop-local-r2',
      ],
    ],
    [
      'it was turned back',
      [releaseFixture(TURNED_BACK), [], [], T0 + 9_000, 100],
      [
        'Release shop r1 → r2 · scaled · plan 9c41f0 · turned back',
        '  ✓ 1 green 1                    6 old + 1 new  no traffic yet            400 ms',
        '  ✗ 2 green 4, blue 2            2 old + 4 new  gate errors failed         1.0 s',
        '  ✓ ↩ 1 restore the old version  100 % on r1    flip 0.4 ms, proof 20/20  500 ms',
        '',
        '↩ Turned back to r1 in 2.0 s. 7,914 requests, 2 failed (2 timeout).',
        '  Gate errors failed: 4 % of 500s.',
        '  Users are on r1.',
        '  Mend it and run: slipway retry shop-local-r2',
        '  slipway receipt shop-local-r2',
      ],
    ],
  ])('%s', (_, args, lines) => {
    expect(renderRelease(...args)).toEqual(lines);
  });

  test.each([20, 40, 59, 60, 80, 200])('no line is wider than a terminal of %i cells', (width) => {
    const long = {
      ...DRAINING,
      status: {
        ...DRAINING.status,
        instructions: [
          { id: 'x', state: 'running', message: `版本${'很长的消息 '.repeat(30)}`, evidence: {} },
        ],
      },
    } as unknown as typeof DRAINING;
    const release = releaseFixture({ stages: [STAGE_1_DONE, STAGE_2_DONE, STAGE_3_RUNNING] });
    for (const line of renderRelease(release, [long], [SMOKE_PASSED], T0 + 2_700, width, COLOURED)) {
      expect(displayWidth(line)).toBeLessThanOrEqual(width);
    }
  });

  test('what others write cannot move the cursor', () => {
    const evil = gateRunFixture({ message: 'ok\x1b[2J\x1b]0;title\x07 done\r\n' });
    const text = renderRelease(
      releaseFixture({ stages: [STAGE_1_DONE, stageStatus(2), stageStatus(3)] }),
      [],
      [evil],
      T0,
      100,
    ).join('\n');
    expect(text).not.toMatch(/[^\P{Cc}\n]/u);
    expect(text).toContain('ok done');
  });

  test('colour is never the only sign', () => {
    const args = [releaseFixture(TURNED_BACK), [], [], T0 + 9_000, 100] as const;
    const plain = renderRelease(...args);
    const coloured = renderRelease(...args, COLOURED);
    expect(coloured.join('\n')).toContain('\x1b[31m');
    expect(coloured.map((line) => stripVTControlCharacters(line))).toEqual(plain);
  });
});

test.each<[NonNullable<ReleaseStatus['turn']>['cause'], string]>([
  ['abort', '- 1 green 1 6 old + 1 new aborted 1.0 s'],
  ['rollback', '- 1 green 1 6 old + 1 new turned back 1.0 s'],
  ['superseded', '- 1 green 1 6 old + 1 new superseded 1.0 s'],
  ['failure', '✗ 1 green 1 6 old + 1 new failed 1.0 s'],
])('a stage that was under way when the release turned back: %s', (cause, line) => {
  const release = releaseFixture({
    phase: 'Aborting',
    direction: 'back',
    turn: { cause, by: 'dana', at: at(1), why: null },
    stages: [stageStatus(1, { state: 'failed', startedAt: at(0), endedAt: at(1) }), stageStatus(2)],
  });
  expect(renderRelease(release, [], [], T0, 120)[1]?.replace(/ +/g, ' ').trim()).toBe(line);
});

describe('events, where lines cannot be redrawn', () => {
  test('each is said once, in the order in which it happened', () => {
    const said = new Set<string>();
    const steps: [ReturnType<typeof releaseFixture>, ReturnType<typeof gateRunFixture>[]][] = [
      [releaseFixture(null), []],
      [
        releaseFixture({
          stages: [stageStatus(1, { state: 'running', startedAt: at(0) }), stageStatus(2), stageStatus(3)],
        }),
        [],
      ],
      [
        releaseFixture({
          stages: [stageStatus(1, { state: 'running', startedAt: at(0) }), stageStatus(2), stageStatus(3)],
        }),
        [],
      ],
      [releaseFixture({ stages: [STAGE_1_DONE, STAGE_2_DONE, STAGE_3_RUNNING] }), [SMOKE_PASSED]],
      [
        releaseFixture({
          phase: 'Succeeded',
          stages: [STAGE_1_DONE, STAGE_2_DONE, STAGE_3_DONE],
          endedAt: at(3.2),
          traffic: TRAFFIC,
        }),
        [SMOKE_PASSED],
      ],
    ];
    const lines = steps.flatMap(([release, gateRuns]) =>
      newEvents({ release, executions: [], gateRuns }, said, T0),
    );
    expect(lines).toEqual([
      'Release shop r1 → r2 · scaled · plan 9c41f0',
      '  ● 1 green 1: begun',
      '    ✓ gate smoke: GET /healthz 200 (12 ms)',
      '  ✓ 1 green 1: 6 old + 1 new, no traffic yet (400 ms)',
      '  ✓ 2 green 4, blue 2: 67 % on r2, flip 0.3 ms, proof 20/20 (1.1 s)',
      '  ● 3 green 6, blue 0: begun',
      '  ✓ 3 green 6, blue 0: 100 % on r2, flip 0.2 ms, proof 20/20 (1.5 s)',
      '✓ Released in 3.2 s. 7,914 requests, 0 failed.',
      '  slipway receipt shop-local-r2',
    ]);
  });

  test('a quick stage waits for the lines of its gates, and not for ever', () => {
    const release = releaseFixture({ stages: [STAGE_1_DONE, stageStatus(2), stageStatus(3)] });
    const said = new Set<string>();
    const look = (gateRuns: ReturnType<typeof gateRunFixture>[], now: number) =>
      newEvents({ release, executions: [], gateRuns }, said, now).map((line) => line.slice(0, 16));
    expect(look([], T0 + 500)).toEqual(['Release shop r1 ']);
    expect(look([SMOKE_PASSED], T0 + 600)).toEqual(['    ✓ gate smoke', '  ✓ 1 green 1: 6']);
    said.clear();
    expect(look([], T0 + 5_000)).toEqual(['Release shop r1 ', '  ✓ 1 green 1: 6']);
  });

  test('a wait that somebody must end is said with what ends it', () => {
    const lines = newEvents(
      { release: releaseFixture(APPROVAL), executions: [], gateRuns: [SMOKE_PASSED] },
      new Set(),
      T0,
    );
    expect(lines.slice(-4)).toEqual([
      '◌ Waiting for approval of stage 2.',
      '  Anyone with role releaser can unblock it:',
      '  slipway approve shop-local-r2',
      '  slipway abort shop-local-r2',
    ]);
  });

  test('what a crashed application said is told once, in its own lines', () => {
    const message =
      "shop-r2 cannot start in local (0 of 1 ready): it exited with code 1. Its log says:\nError: Cannot find module 'x'\nRequire stack:";
    const release = releaseFixture({
      phase: 'RolledBack',
      direction: 'back',
      stages: [
        stageStatus(1, { state: 'failed', startedAt: at(0), endedAt: at(1), message }),
        stageStatus(2),
        stageStatus(3),
      ],
      endedAt: at(1),
      failure: {
        stage: 1,
        reason: 'crashLoop',
        message,
        affects: 'Users are not affected.',
        next: 'mend it',
      },
    });
    const lines = newEvents({ release, executions: [], gateRuns: [] }, new Set(), T0);
    expect(lines.slice(1)).toEqual([
      '  ✗ 1 green 1: shop-r2 cannot start in local (0 of 1 ready) (1.0 s)',
      '↩ turning back: shop-r2 cannot start in local (0 of 1 ready)',
      '↩ Turned back to r1 in 1.0 s. Requests not measured.',
      '  shop-r2 cannot start in local (0 of 1 ready): it exited with code 1. Its log says:',
      "    Error: Cannot find module 'x'",
      '    Require stack:',
      '  Users are not affected.',
      '  mend it',
      '  slipway receipt shop-local-r2',
    ]);
  });
});
