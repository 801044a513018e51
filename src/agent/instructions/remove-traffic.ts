import type { Instruction } from '../../api/plan.ts';
import { done, type InstructionContext, type InstructionOutcome } from '../context.ts';
import { endService } from './end-service.ts';

type RemoveTraffic = Extract<Instruction, { type: 'removeTraffic' }>;

export async function removeTraffic(
  context: InstructionContext,
  { workload }: RemoveTraffic,
): Promise<InstructionOutcome> {
  await endService(context, workload);
  return done(`the entry leads to ${workload} no more`);
}
