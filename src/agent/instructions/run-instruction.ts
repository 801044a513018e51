import type { Instruction } from '../../api/plan.ts';
import type { InstructionContext, InstructionOutcome } from '../context.ts';
import { awaitReady } from './await-ready.ts';
import { drain } from './drain.ts';
import { ensureWorkload } from './ensure-workload.ts';
import { proveTraffic } from './prove-traffic.ts';
import { removeTraffic } from './remove-traffic.ts';
import { removeWorkload } from './remove-workload.ts';
import { restartWorkload } from './restart-workload.ts';
import { rollWorkload } from './roll-workload.ts';
import { runGate } from './run-gate.ts';
import { runJob } from './run-job.ts';
import { setTraffic } from './set-traffic.ts';

/** One instruction to its end. Each is level-triggered: begun again after a restart, it goes on from what is there. */
export function runInstruction(
  context: InstructionContext,
  instruction: Instruction,
): Promise<InstructionOutcome> {
  switch (instruction.type) {
    case 'ensureWorkload':
      return ensureWorkload(context, instruction);
    case 'awaitReady':
      return awaitReady(context, instruction);
    case 'proveTraffic':
      return proveTraffic(context, instruction);
    case 'setTraffic':
      return setTraffic(context, instruction);
    case 'drain':
      return drain(context, instruction);
    case 'removeWorkload':
      return removeWorkload(context, instruction);
    case 'rollWorkload':
      return rollWorkload(context, instruction);
    case 'restartWorkload':
      return restartWorkload(context, instruction);
    case 'removeTraffic':
      return removeTraffic(context, instruction);
    case 'runJob':
      return runJob(context, instruction);
    case 'runGate':
      return runGate(context, instruction);
  }
}
