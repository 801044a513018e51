import { describe, expect, it } from 'vitest';
import {
  executionSpec,
  FULL,
  pinned,
  revision,
  shiftInstructions,
  VERSION,
  ZERO,
} from '../../test/support/execution-orders.ts';
import type { ExecutionSpec } from '../api/execution.ts';
import type { Instruction } from '../api/plan.ts';
import { checkOrder } from './check-order.ts';

const SELF = { cluster: 'local', version: VERSION };
const job: Instruction = { id: 'j', needs: [], type: 'runJob', side: 'to', workload: 'migrate' };

describe('checkOrder', () => {
  it.each([
    ['a whole shift', executionSpec(shiftInstructions(FULL, ZERO, { remove: true }))],
    ['a job', executionSpec([job], { to: revision(2, [pinned('migrate', 'migration')]) })],
    ['nothing to do', executionSpec([])],
  ])('takes %s', (_, spec) => expect(checkOrder(spec, SELF)).toBeNull());

  const [ensure] = shiftInstructions(FULL, ZERO);
  const refusals: [string, ExecutionSpec, RegExp][] = [
    ['another cluster', executionSpec([], { cluster: 'eu' }), /for cluster eu, this agent serves local/],
    ['another version', executionSpec([], { slipwayVersion: '9.9.9' }), /version 9\.9\.9.*INV-16/],
    ['the same id twice', executionSpec([ensure, ensure] as Instruction[]), /one id/],
    [
      'a circle',
      executionSpec([
        { ...job, id: 'a', needs: ['b'] },
        { ...job, id: 'b', needs: ['a'] },
      ]),
      /instruction a needs what can never be done/,
    ],
    ['a need that is not there', executionSpec([{ ...job, needs: ['x'] }]), /can never be done/],
    [
      'a side without a revision',
      executionSpec(shiftInstructions(FULL, ZERO), { from: null }),
      /instruction drain: there is no revision on side from/,
    ],
    ['no replicas', executionSpec(shiftInstructions(FULL, ZERO), { replicas: {} }), /no replicas are given/],
    ['a workload that is not there', executionSpec([job]), /no workload migrate/],
    [
      'weights that do not sum to 100 (INV-2)',
      executionSpec([
        {
          id: 't',
          needs: [],
          type: 'setTraffic',
          workload: 'shop',
          weights: { kind: 'fixed', from: 50, to: 60 },
        },
      ]),
      /INV-2/,
    ],
  ];
  it.each(refusals)('refuses %s', (_, spec, says) => expect(checkOrder(spec, SELF)).toMatch(says));
});
