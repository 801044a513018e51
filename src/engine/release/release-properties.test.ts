import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualRelease } from '../../../test/support/virtual-release.ts';
import type { Verb } from '../../api/release.ts';
import { Strategy } from '../../api/strategy.ts';
import { type ReleaseVerb, releaseCan } from './capabilities.ts';
import { hasEnded, PHASE_ARROWS } from './state.ts';

const RUNS = 3_000;
const VERBS: readonly ReleaseVerb[] = [
  'promote',
  'pause',
  'resume',
  'approve',
  'reject',
  'abort',
  'rollback',
  'retry',
  'skip',
];

type Event =
  | { kind: 'verb'; verb: ReleaseVerb }
  | { kind: 'complete'; ends: 'Succeeded' | 'Failed' | undefined }
  | { kind: 'verdict'; verdict: 'pass' | 'fail' | 'inconclusive' | 'unknown' }
  | { kind: 'time'; ms: number }
  | { kind: 'supersede' }
  | { kind: 'failedRequest' }
  | { kind: 'replay' };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('verb' as const), verb: fc.constantFrom(...VERBS) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('complete' as const),
      ends: fc.constantFrom('Succeeded' as const, 'Succeeded' as const, 'Failed' as const, undefined),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('verdict' as const),
      verdict: fc.constantFrom('pass' as const, 'fail' as const, 'inconclusive' as const, 'unknown' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      ms: fc.constantFrom(1_000, 3_600_000, 25 * 3_600_000),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Event>({ kind: 'supersede' }) },
  { weight: 1, arbitrary: fc.constant<Event>({ kind: 'failedRequest' }) },
  { weight: 1, arbitrary: fc.constant<Event>({ kind: 'replay' }) },
);

const strategies = [
  { scaled: {} },
  { blueGreen: {} },
  { custom: { percentages: [50, 100] } },
  { canary: { soak: '1m' } },
  { rolling: {} },
];
const scenario = fc.record({
  strategy: fc.constantFrom(...strategies),
  from: fc.boolean(),
  approval: fc.boolean(),
  gates: fc.boolean(),
  onFailure: fc.constantFrom('rollback', 'pause'),
  onFailedRequest: fc.constantFrom('rollback', 'pause', 'ignore'),
  events: fc.array(event, { maxLength: 25 }),
});

const GATES = [
  { name: 'smoke', after: 1, http: { path: '/' } },
  { name: 'watch', after: 1, soak: { duration: '30s' } },
  { name: 'sign-off', before: 1, approval: {} },
];

describe('every reachable state', () => {
  it(`ends or names whom it waits for, and never orders forward after it turned back, in ${RUNS} histories`, () => {
    const arrows = new Set<string>();
    fc.assert(
      fc.property(scenario, ({ strategy, from, approval, gates, onFailure, onFailedRequest, events }) => {
        const release = new VirtualRelease({
          strategy: Strategy.parse(strategy),
          from,
          approval,
          application: { gates: gates ? GATES : [], policy: { onFailure, onFailedRequest } },
        });
        release.answer = () => undefined;
        release.decide();
        for (const each of events) {
          play(release, each);
          check(release);
        }
        // Once faults stop and a person says yes to what it asks for, it ends (INV-28).
        release.answer = () => 'Succeeded';
        release.verdict = () => 'pass';
        for (let round = 0; round < 100 && !release.ended; round += 1) {
          release.settle();
          check(release);
          if (release.ended) break;
          const verb = nextVerb(release);
          if (verb === undefined) release.later(60_000);
          else
            expect(
              release.command(verb[0], verb[1], 'because')?.state,
              `${verb[0]} at ${release.status.waiting.message}`,
            ).toBe('done');
        }
        expect(release.ended, `still ${release.status.phase}: ${release.status.waiting.message}`).toBe(true);
        release.phases.forEach((phase, index) => {
          if (index > 0) arrows.add(`${release.phases[index - 1]}→${phase}`);
        });
      }),
      { numRuns: RUNS },
    );
    // Every phase was entered.
    const entered = new Set([...arrows].flatMap((arrow) => arrow.split('→')));
    expect(Object.keys(PHASE_ARROWS).filter((phase) => !entered.has(phase) && phase !== 'Pending')).toEqual(
      [],
    );
  });
});

function play(release: VirtualRelease, each: Event): void {
  switch (each.kind) {
    case 'verb': {
      release.decide();
      const can = releaseCan(release.spec, release.status)[each.verb];
      const before = release.status;
      const reply = release.command(each.verb as Verb, {}, 'because');
      // The table and the machine agree, and a refusal changes nothing but its own record.
      if (!can.allowed) {
        expect(reply?.state).toBe('refused');
        expect(release.status.direction).toBe(before.direction);
      }
      return;
    }
    case 'complete':
      release.answer = () => each.ends;
      release.settle();
      release.answer = () => undefined;
      return;
    case 'verdict':
      release.verdict = () => each.verdict;
      return;
    case 'time':
      release.later(each.ms).decide();
      return;
    case 'supersede':
      release.supersededBy = 'shop-local-r3';
      release.decide();
      return;
    case 'failedRequest': {
      if (release.orders.length === 0) return;
      release.traffic({
        requests: 10,
        failed: 1,
        failures: { reset: 1 },
        byVersion: { 'shop-r2': { requests: 10, failed: 1 } },
      });
      release.decide();
      return;
    }
    case 'replay': {
      // Deciding again with no news changes nothing.
      release.settle();
      const before = JSON.stringify({ ...release.status, decision: null });
      release.decide();
      expect(JSON.stringify({ ...release.status, decision: null })).toBe(before);
    }
  }
}

function check(release: VirtualRelease): void {
  const { status } = release;
  const turned = release.orders.findIndex((order) => order.epoch > 1);
  // INV-20: nothing forward after the way back has begun.
  if (turned >= 0) expect(release.orders.slice(turned).every((order) => order.epoch > 1)).toBe(true);
  // INV-28: what it waits for is said, and by whom it can be unblocked.
  expect(status.waiting.message).not.toBe('');
  if (!hasEnded(status.phase))
    expect(status.waiting.commands.length > 0 || status.direction === 'back').toBe(true);
  // INV-12: sequences rise within a release.
  const sequences = release.orders.map((order) => order.epoch * 1_000 + order.sequence);
  expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
  if (status.pause !== null) expect(status.phase).toBe('Paused');
}

function nextVerb(release: VirtualRelease): [Verb, Record<string, unknown>] | undefined {
  const { waiting, pause } = release.status;
  if (pause?.reason === 'failure') return ['retry', {}];
  if (pause?.reason === 'unknown') return ['retry', {}];
  if (waiting.for === 'approval') return ['approve', {}];
  if (waiting.for === 'promotion') return ['promote', {}];
  return undefined;
}
