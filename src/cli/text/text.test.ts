import { describe, expect, test } from 'vitest';
import {
  at,
  gateRunFixture,
  receiptFixture,
  releaseFixture,
  STAGES,
  T0,
} from '../../../test/support/release-fixture.ts';
import type { PlanPreview } from '../../server/dependencies.ts';
import { PLAIN } from '../terminal/paint.ts';
import { tableOf } from './columns.ts';
import { differencesOf } from './differences.ts';
import { compareNames } from './order.ts';
import { planText } from './plan-text.ts';
import { receiptText } from './receipt-text.ts';
import { type WhyAnswer, whyText } from './why-text.ts';
import {
  formatAge,
  formatBytes,
  formatInstant,
  formatMs,
  formatNumber,
  list,
  plural,
  shortHash,
  shortRevision,
} from './words.ts';

describe('words', () => {
  test.each<[string, string]>([
    [formatNumber(7_914), '7,914'],
    [formatNumber(999), '999'],
    [formatNumber(1_234_567), '1,234,567'],
    [formatMs(0.3), '0.3 ms'],
    [formatMs(212), '212 ms'],
    [formatMs(251_000), '4 min 11 s'],
    [plural(1, 'request'), '1 request'],
    [plural(0, 'request'), '0 requests'],
    [formatBytes(512), '512 B'],
    [formatBytes(55_574_528), '53 MiB'],
    [formatBytes(1_536), '1.5 KiB'],
    [formatAge(at(0), T0 + 18 * 60_000), '18m'],
    [formatAge(at(0), T0 + 5_000), '5s'],
    [formatAge(undefined, T0), '-'],
    [shortRevision('shop-production-r8'), 'r8'],
    [shortRevision(null), 'nothing'],
    [shortHash('sha256:9c41f0aa'), '9c41f0'],
    [list(['a', 'b', 'c']), 'a, b and c'],
  ])('%s', (found, expected) => {
    expect(found).toBe(expected);
  });

  test('times are in the clock of the reader', () => {
    const day = 86_400_000;
    const time = /^\d\d:\d\d$/;
    expect(formatInstant(at(0), T0)).toMatch(time);
    expect(formatInstant(at(0), T0 - day)).toMatch(/^tomorrow \d\d:\d\d$/);
    expect(formatInstant(at(0), T0 + day)).toMatch(/^yesterday \d\d:\d\d$/);
    expect(formatInstant(at(0), T0 + 9 * day)).toMatch(/^2026-11-2\d \d\d:\d\d$/);
  });
});

describe('the receipt', () => {
  const clock = formatInstant(at(1_740), T0);
  test('of a release that succeeded', () => {
    expect(receiptText('shop-local-r2', receiptFixture(), T0)).toEqual([
      '✓ Release shop-local-r2 · r1 → r2 · local · Succeeded in 4 min 11 s',
      'Requests during the release   48,211    failed 0      (router; 2,400 by our prober, failed 0)',
      'Answered 5xx by the application   22      (router)',
      'By version   r1 3,000 · r2 4,914 (22 with 5xx)',
      'Flip  local 0.3 ms → r1 33 %, r2 67 %    proof before: 4/4 instances; after: 20/20',
      '      local 12 ms → r2 100 %    proof before: 2/2 instances; after: 20/20',
      'Drain 2 drains, 17 requests and 2 streams inside, longest 8.3 s, cut 0',
      'Gates smoke pass (12 ms, GET /healthz 200) · approval pass by dana "looks good" (18 min)',
      `By    dana: approve ${clock} "looks good"`,
      'Plan 4be210 · r1 1c1c1c1c1c1c · r2 9a9a9a9a9a9a',
    ]);
  });

  test('names the proofs that the data plane counts with everybody’s requests', () => {
    const [, requests] = receiptText(
      'x',
      { ...receiptFixture(), proofs: { source: 'agent', total: 69 } },
      T0,
    );
    expect(requests).toContain('(router; 69 proofs of our own, 2,400 by our prober, failed 0)');
  });

  test('an instance that ignored SIGTERM stands beside its drain', () => {
    const [drain, ...others] = receiptFixture().drains;
    if (drain === undefined) throw new Error('no drain');
    const text = receiptText(
      'shop-local-r2',
      receiptFixture({ drains: [{ ...drain, killed: 1 }, ...others] }),
      T0,
    );
    expect(text).toContain('      r1: 1 instance ignored SIGTERM and was killed');
  });

  test('what was not measured says so, and never 0', () => {
    const text = receiptText(
      'shop-local-r1',
      receiptFixture({
        from: null,
        requests: { source: 'router', total: null, failed: null, failures: {}, byVersion: {} },
        prober: { source: 'prober', total: null, failed: null },
        flips: [],
        drains: [],
        gates: [],
        commands: [],
        revisions: { from: null, to: `v1:sha256:${'9a'.repeat(32)}` },
      }),
      T0,
    );
    expect(text[1]).toBe(
      'Requests during the release   not measured    failed not measured      (router; prober: not measured)',
    );
    expect(text[2]).toBe('Answered 5xx by the application   not measured');
    expect(text.join('\n')).not.toMatch(/failed 0/);
  });

  test.each<[string, Record<string, { requests: number; failed: number }>, string | undefined]>([
    ['none', {}, undefined],
    ['one without a name that nobody was sent to', { '': { requests: 0, failed: 0 } }, undefined],
    [
      'no version to go to',
      { 'shop-r1': { requests: 4, failed: 0 }, '': { requests: 2, failed: 2 } },
      'By version   r1 4 · none 2 (2 failed)',
    ],
  ])('by version: %s', (_, byVersion, line) => {
    const requests = { source: 'router', total: 6, failed: 2, failures: {}, answered5xx: 0, byVersion };
    const text = receiptText('shop-local-r2', receiptFixture({ requests }), T0);
    expect(text.find((one) => one.startsWith('By version'))).toBe(line);
  });

  test('why it turned back stands under its headline', () => {
    const spec = receiptFixture({ phase: 'RolledBack' });
    const reason = ['gate smoke failed: GET / 500'];
    expect(receiptText('shop-local-r2', spec, T0, PLAIN, reason).slice(0, 3)).toEqual([
      '↩ Release shop-local-r2 · r1 → r2 · local · RolledBack in 4 min 11 s',
      '  gate smoke failed: GET / 500',
      expect.stringMatching(/^Requests during the release/),
    ]);
  });

  test('failures stand with their causes', () => {
    const requests = {
      source: 'router',
      total: 100,
      failed: 3,
      failures: { reset: 2, timeout: 1, refused: 0 },
      byVersion: {},
    };
    const text = receiptText('shop-local-r2', receiptFixture({ requests, phase: 'RolledBack' }), T0);
    expect(text[0]).toMatch(/^↩/);
    expect(text.slice(1, 4)).toEqual([
      'Requests during the release   100    ✗ failed 3      (router; 2,400 by our prober, failed 0)',
      '  2        reset',
      '  1        timeout',
    ]);
  });
});

const PREVIEW: PlanPreview = {
  release: 'shop-production-r8',
  from: 'shop-production-r7',
  to: 'shop-production-r8',
  changes: true,
  plan: {
    strategy: 'scaled',
    stages: [...STAGES],
    afterwards: 'cold',
    rollback: [
      { until: 2, how: 'back by one flip', flips: 1 },
      { until: 0, how: 'afterwards: scaled r8 → r7, about 40 s', flips: 2 },
    ],
    warnings: [],
    hash: `4be210${'0'.repeat(58)}`,
  },
  differences: [
    { path: 'workloads.shop.artifact', from: `sha256:${'77'.repeat(32)}`, to: `sha256:${'9a'.repeat(32)}` },
    { path: 'workloads.shop.env.FEATURE_CART', from: undefined, to: 'on' },
  ],
  now: { from: 6, to: 0, weights: { 'shop-r7': 100 } },
  timeline: [
    { stage: 1, title: 'green 1', from: 6, to: 1, weights: { 'shop-r7': 100 }, note: 'gate smoke' },
    {
      stage: 2,
      title: 'green 4, blue 2',
      from: 2,
      to: 4,
      weights: { 'shop-r7': 33, 'shop-r8': 67 },
      note: '',
    },
    { stage: 3, title: 'green 6, blue 0', from: 0, to: 6, weights: { 'shop-r8': 100 }, note: '' },
  ],
  warnings: ['readiness asks nothing that a request needs'],
  refusals: [],
};
const TARGET = { application: 'shop', environment: 'production' };

describe('the plan', () => {
  test('stages, capacity, traffic, changes, the way back and the command that approves it', () => {
    expect(planText(PREVIEW, TARGET, 120)).toEqual([
      'shop r7 → r8 in production · scaled · plan 4be210',
      '                      r7  r8  capacity  traffic',
      '     now              6   0   6         r7',
      '  1  green 1          6   1   7         r7                gate smoke',
      '  2  green 4, blue 2  2   4   6         r7 33 %, r8 67 %',
      '  3  green 6, blue 0  0   6   6         r8',
      'changes      workloads.shop.artifact sha256:777777777777… → sha256:9a9a9a9a9a9a…',
      '             workloads.shop.env.FEATURE_CART none → on',
      'preflight    ⚠ readiness asks nothing that a request needs',
      'rollback     until stage 2: back by one flip',
      '             afterwards: scaled r8 → r7, about 40 s, 2 flips',
      'Approve exactly this:  slipway release shop --env production --plan 4be210',
    ]);
  });

  test.each<[string, Partial<Parameters<typeof planText>[1]>, string]>([
    ['a file', { options: ['-f', 'app.yaml'] }, 'release shop -f app.yaml'],
    ['a directory', { options: ['--artifact', "it's here"] }, "release shop --artifact 'it'\\''s here'"],
    ['an older revision', { to: 'r6' }, 'rollback shop --to r6'],
  ])('the command to approve has what was asked for: %s', (_, more, words) => {
    expect(planText(PREVIEW, { ...TARGET, ...more }, 120).at(-1)).toBe(
      `Approve exactly this:  slipway ${words} --env production --plan 4be210`,
    );
  });

  test('other environments that the change moves stand before what it changes', () => {
    const also = ['staging r1 → r2, by itself', 'eu r3 → r4, by itself'];
    const text = planText(PREVIEW, { ...TARGET, also, named: false }, 120);
    expect(text.slice(6, 8)).toEqual([
      'moves too    staging r1 → r2, by itself',
      '             eu r3 → r4, by itself',
    ]);
    // With the environment named, only that one would move, which is another release than the one shown.
    expect(text.at(-1)).toBe('Approve exactly this:  slipway release shop --plan 4be210');
    expect(planText({ ...PREVIEW, changes: false }, { ...TARGET, also }, 120)[1]).toBe(
      'moves too    staging r1 → r2, by itself',
    );
  });

  test('a first release names no field one by one: all of it is new', () => {
    const text = planText({ ...PREVIEW, from: null }, TARGET, 120);
    expect(text.find((line) => line.startsWith('changes'))).toMatch(
      /^changes {6}everything is new \(\d+ fields?, -o json names them\)$/,
    );
    expect(text.join('\n')).not.toContain('none →');
  });

  test('revisions are named in its rollback as people speak of them', () => {
    const rollback = [
      { until: 0, how: 'afterwards: one flip to shop-production-r7 while it is warm', flips: 1 },
    ];
    const text = planText({ ...PREVIEW, plan: { ...PREVIEW.plan, rollback } }, TARGET, 120);
    expect(text).toContain('rollback     afterwards: one flip to r7 while it is warm');
  });

  test('nothing to release', () => {
    expect(planText({ ...PREVIEW, changes: false }, TARGET, 120)).toEqual([
      'Nothing to release: shop in production is as the file says (r7).',
    ]);
  });

  const inPlace = { digest: `0176b7${'0'.repeat(58)}`, summary: 'shop 2 → 3 instances', approval: null };
  const words =
    'shop in production changes in place, without a release: shop 2 → 3 instances · change 0176b7';
  test.each([
    ['at once', {}, {}, [words]],
    ['from a file', {}, { options: ['-f', 'app.yaml'] }, [words, 'Apply it:  slipway apply -f app.yaml']],
    [
      'after an approval',
      { approval: 'releaser' },
      {},
      [words, 'It then waits for an approval by releaser:  slipway approve shop -e production'],
    ],
  ])('replicas and routes alone change in place: %s', (_, change, target, lines) => {
    const preview = { ...PREVIEW, changes: false, inPlace: { ...inPlace, ...change } };
    expect(planText(preview, { ...TARGET, ...target }, 120)).toEqual(lines);
  });

  test('what stands against it comes first, with no command to approve', () => {
    const refusals = [{ path: 'spec.workload.replicas', message: 'needs 9 instances and 6 are allowed' }];
    const text = planText(
      { ...PREVIEW, changes: false, from: 'shop-production-r7', to: '', refusals },
      TARGET,
      120,
    );
    expect(text).toEqual([
      '✗ shop cannot be released to production:',
      '  spec.workload.replicas: needs 9 instances and 6 are allowed',
    ]);
  });
});

describe('why', () => {
  const waiting: WhyAnswer['waiting'] = {
    for: 'approval',
    message: 'Waiting for approval of stage 2',
    who: 'anyone with role releaser',
    commands: ['slipway approve shop-production-r8'],
    since: at(0),
    expiresAt: at(86_400),
    onExpiry: 'aborts',
  };
  test('what the manager says is enough', () => {
    const lines = [
      'anyone with role releaser can unblock it:',
      '  slipway approve shop-production-r8',
      'Since 14:02 (18 min ago); it expires in 23 h.',
    ];
    expect(whyText({ sentence: waiting.message, lines, waiting }, T0 + 1_080_000)).toEqual([
      waiting.message,
      ...lines,
    ]);
  });
  test('its times are in the clock of the reader', () => {
    const lines = [`Since ${at(0)} (18 min ago); it expires in 23 h.`];
    const sentence = `Waits since ${at(0)}.`;
    const text = whyText({ sentence, lines, waiting: { ...waiting, message: '' } }, T0 + 1_080_000);
    const clock = formatInstant(at(0), T0);
    expect(text.slice(0, 2)).toEqual([
      `Waits since ${clock}.`,
      `Since ${clock} (18 min ago); it expires in 23 h.`,
    ]);
  });
  test('a log that is quoted keeps its own times', () => {
    const message = `r2 cannot start since ${at(0)}. Its log says:\n[${at(0)}] Error: x`;
    const sentence = `RolledBack: r1 serves (${message})`;
    const clock = formatInstant(at(0), T0);
    expect(whyText({ sentence, lines: [message], waiting: null }, T0)).toEqual([
      `RolledBack: r1 serves (r2 cannot start since ${clock}. Its log says: [${at(0)}] Error: x)`,
      `r2 cannot start since ${clock}. Its log says:\n[${at(0)}] Error: x`,
    ]);
  });
  test('what is waited for is named where the sentence says something else', () => {
    const change = { ...waiting, message: 'Waiting for approval of change abcdef: shop 6 → 8 instances' };
    const text = whyText({ sentence: 'shop in production: r1 serves.', lines: [], waiting: change }, T0);
    expect(text.slice(0, 2)).toEqual(['shop in production: r1 serves.', change.message]);
  });
  test('commands and times that it leaves out are added', () => {
    const text = whyText({ sentence: waiting.message, lines: [], waiting }, T0 + 1_080_000);
    expect(text[1]).toBe('  slipway approve shop-production-r8');
    expect(text[2]).toBe(
      `Since ${formatInstant(at(0), T0)} (18 min). Expires ${formatInstant(at(86_400), T0)}, then aborts.`,
    );
  });
});

test('gate runs in columns have one time, the receipt’s', () => {
  const table = tableOf('GateRun', [gateRunFixture({ message: 'GET /healthz 200 (10 ms)' })], {
    now: T0,
    wide: false,
    namespace: false,
  });
  expect(table.header.slice(1, 7)).toEqual(['RELEASE', 'STAGE', 'GATE', 'VERDICT', 'TOOK', 'MESSAGE']);
  expect(table.rows[0]?.slice(4, 7)).toEqual(['pass', '12 ms', 'GET /healthz 200']);
});

test('releases in columns', () => {
  const release = releaseFixture({
    stage: 1,
    phase: 'Paused',
    waiting: {
      for: 'approval',
      message: '',
      who: 'dana',
      commands: [],
      since: at(0),
      expiresAt: null,
      onExpiry: null,
    },
  });
  expect(tableOf('Release', [release], { now: T0 + 18 * 60_000, wide: false, namespace: false })).toEqual({
    header: ['NAME', 'APP', 'FROM', 'TO', 'STRATEGY', 'STAGE', 'PHASE', 'WAITING FOR', 'AGE'],
    rows: [['shop-local-r2', 'shop', 'r1', 'r2', 'scaled', '2/3', 'Paused', 'approval (dana)', '18m']],
  });
});

test.each<[string, unknown, unknown, unknown[]]>([
  ['the same', { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, []],
  ['a change', { a: { b: 1 } }, { a: { b: 2 } }, [{ path: 'a.b', from: 1, to: 2 }]],
  ['one more in a list', { a: [1] }, { a: [1, 2] }, [{ path: 'a[1]', from: undefined, to: 2 }]],
  ['a field less', { a: 1, b: 2 }, { a: 1 }, [{ path: 'b', from: 2, to: undefined }]],
  [
    'what is new, field by field',
    {},
    { a: { b: 1, c: {}, d: ['x'] }, e: [{ f: 2 }] },
    [
      { path: 'a.b', from: undefined, to: 1 },
      { path: 'a.c', from: undefined, to: {} },
      { path: 'a.d', from: undefined, to: ['x'] },
      { path: 'e[0].f', from: undefined, to: 2 },
    ],
  ],
  ['what goes, field by field', { a: { b: 1 } }, {}, [{ path: 'a.b', from: 1, to: undefined }]],
  ['another type', { a: { b: 1 } }, { a: 'x' }, [{ path: 'a', from: { b: 1 }, to: 'x' }]],
])('differences: %s', (_, from, to, expected) => {
  expect(differencesOf(from, to)).toEqual(expected);
});

test('numbers in names count by their size', () => {
  const names = ['shop-r10', 'shop-r9', 'shop-r9-2', 'shop', 'a', 'shop-r9-10'];
  expect(names.toSorted(compareNames)).toEqual([
    'a',
    'shop',
    'shop-r9',
    'shop-r9-2',
    'shop-r9-10',
    'shop-r10',
  ]);
});
