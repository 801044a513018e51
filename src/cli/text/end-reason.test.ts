import { expect, test } from 'vitest';
import { at, releaseFixture, T0 } from '../../../test/support/release-fixture.ts';
import type { ReleaseStatus } from '../../api/release.ts';
import { endReason } from './end-reason.ts';
import { formatInstant } from './words.ts';

const GATE = 'gate smoke failed: GET / 500';
const failure = (message: string) => ({ reason: 'x', message, affects: 'nobody', next: 'slipway retry r' });
const turn = (
  cause: NonNullable<ReleaseStatus['turn']>['cause'],
  by: string,
  why: string | null,
): ReleaseStatus['turn'] => ({ cause, by, why, at: at(1) });

test.each<[string, Partial<ReleaseStatus>, string[]]>([
  ['it succeeded', { phase: 'Succeeded' }, []],
  [
    'a gate turned it back',
    { phase: 'RolledBack', turn: turn('failure', 'slipway', GATE), failure: failure(GATE) },
    [GATE],
  ],
  [
    'an application crashed, with what its log said',
    { phase: 'RolledBack', failure: failure('shop-r2 exited with code 1. Its log says:\nError: x') },
    ['shop-r2 exited with code 1. Its log says:', '  Error: x'],
  ],
  [
    'a person aborted it, with a reason',
    { phase: 'Aborted', turn: turn('abort', 'dana', 'wrong build') },
    ['Aborted by dana: wrong build'],
  ],
  [
    'a person aborted it after a failure, without one',
    { phase: 'Aborted', turn: turn('abort', 'dana', null), failure: failure(GATE) },
    ['Aborted by dana', GATE],
  ],
  ['a person turned it back', { turn: turn('rollback', 'dana', null) }, ['Turned back by dana']],
  [
    'nobody went on',
    { phase: 'Aborted', turn: turn('abort', 'clock', `paused since ${at(0)} and nobody went on`) },
    [`Aborted: paused since ${formatInstant(at(0), T0)} and nobody went on`],
  ],
  [
    'a newer one came',
    { phase: 'Superseded', turn: turn('superseded', 'shop-local-r3', 'superseded by shop-local-r3') },
    ['Superseded by shop-local-r3'],
  ],
  [
    'the way back failed too',
    { phase: 'Failed', turn: turn('failure', 'slipway', GATE), failure: failure('no agent') },
    ['Gate smoke failed: GET / 500', 'no agent'],
  ],
])('why it ended: %s', (_, status, lines) => {
  expect(endReason(releaseFixture({ phase: 'RolledBack', turn: null, ...status }), T0)).toEqual(lines);
});
