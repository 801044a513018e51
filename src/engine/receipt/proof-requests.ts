import type { InstructionStatus } from '../../api/execution.ts';

/**
 * Requests that proofs after a flip sent through the entry, which the data plane counts with everybody's. Proofs
 * before a flip go through the preview and are counted apart.
 */
export function proofRequests(instructions: readonly Pick<InstructionStatus, 'evidence'>[]): number {
  let requests = 0;
  for (const { evidence } of instructions) {
    if (evidence.when === 'after') requests += Number(evidence.requests ?? 0);
    // A rolling update proves within its one instruction.
    const rolled = evidence.proofs as { requests?: number } | undefined;
    requests += rolled?.requests ?? 0;
  }
  return requests;
}
