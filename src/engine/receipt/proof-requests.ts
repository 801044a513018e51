import type { InstructionStatus } from '../../api/execution.ts';

/**
 * Requests that proofs after a flip sent through the entry, which the data plane counts with everybody's. Proofs
 * before a flip go through the preview and are counted apart. Null where none says how many it sent.
 */
export function proofRequests(instructions: readonly Pick<InstructionStatus, 'evidence'>[]): number | null {
  const counts = instructions.flatMap(({ evidence }) => {
    // A rolling update proves within its one instruction.
    const rolled = (evidence.proofs as { requests?: unknown } | undefined)?.requests;
    const sent = evidence.when === 'after' ? evidence.requests : rolled;
    return typeof sent === 'number' ? [sent] : [];
  });
  return counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0);
}
