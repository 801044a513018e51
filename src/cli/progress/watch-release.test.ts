import { expect, test } from 'vitest';
import {
  at,
  gateRunFixture,
  releaseFixture,
  STAGES,
  stageStatus,
} from '../../../test/support/release-fixture.ts';
import type { Stage } from '../../api/plan.ts';
import type { ReleaseStatus } from '../../api/release.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Connection, Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { PLAIN } from '../terminal/paint.ts';
import { watchRelease } from './watch-release.ts';

const RESTORE: Stage = { ...(STAGES[0] as Stage), title: 'restore the old version', gatesAfter: [] };
/** Its smoke gate has passed long ago; then it paused, and somebody aborted it. */
const aborted = (phase: 'Aborting' | 'Aborted') => {
  const back =
    phase === 'Aborted' ? { state: 'done' as const, endedAt: at(91) } : { state: 'running' as const };
  return releaseFixture({
    phase,
    direction: 'back',
    backStages: [RESTORE],
    turn: { cause: 'abort', by: 'dana', at: at(90), why: null } as ReleaseStatus['turn'],
    stages: [
      stageStatus(1, { state: 'failed', startedAt: at(0), endedAt: at(90) }),
      stageStatus(2),
      stageStatus(3),
      stageStatus(1, { title: RESTORE.title, startedAt: at(90), ...back }),
    ],
    endedAt: phase === 'Aborted' ? at(91) : null,
  });
};

/** Gates come on a way of their own, here when the way back has been told. */
function connection(list: List, backIsTold: Promise<void>): Connection {
  const heard = Promise.withResolvers<void>();
  async function* watch(kind: string) {
    if (kind === 'Release') {
      yield { type: 'ADDED', object: aborted('Aborting') };
      await heard.promise;
      yield { type: 'MODIFIED', object: aborted('Aborted') };
    } else if (kind === 'GateRun') {
      await backIsTold;
      yield { type: 'ADDED', object: gateRunFixture({}) };
      heard.resolve();
    }
  }
  return { namespace: 'default', api: { watch, list } } as unknown as Connection;
}

type List = (kind: string) => Promise<{ items: unknown[] }>;
const gates = (kind: string) => Promise.resolve({ items: kind === 'GateRun' ? [gateRunFixture({})] : [] });
let failures = 0;
const failsOnce = (kind: string) => (failures++ < 1 ? Promise.reject(new Error('no answer')) : gates(kind));

test.each<[string, List, string[]]>([
  [
    'stands under its stage',
    gates,
    ['    ✓ gate smoke: GET', '  - 1 green 1: aborted', '↩ turning back: as ask'],
  ],
  [
    'says of which stage it is where nobody could tell at first',
    failsOnce,
    ['  - 1 green 1: aborted', '↩ turning back: as ask', '    ✓ gate smoke of stage 1'],
  ],
])('a gate from before a watch %s', async (_, list, order) => {
  const lines: string[] = [];
  const backIsTold = Promise.withResolvers<void>();
  const context = {
    io: { stdout: { isTTY: false } },
    format: 'text',
    paint: PLAIN,
    clock: systemClock(),
    interrupt: { claim: () => new AbortController().signal },
    print: (...more: string[]) => {
      lines.push(...more);
      if (more.some((line) => line.startsWith('↩ turning back'))) backIsTold.resolve();
    },
    note: () => undefined,
  } as unknown as Context;
  const where = connection(list, backIsTold.promise);
  expect(await watchRelease(context, where, 'shop-local-r2')).toBe(EXIT.notReleased);
  const found = lines.filter((line) => order.some((one) => line.startsWith(one)));
  expect(found.map((line, at) => line.slice(0, order[at]?.length))).toEqual(order);
});
