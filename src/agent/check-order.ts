import type { ExecutionSpec } from '../api/execution.ts';
import { pinnedOf, revisionOf } from './context.ts';

/**
 * What makes an order impossible for this agent, in words; null when it can be carried out (INV-16, INV-19).
 * Its shape and enum values have been checked with the frame.
 */
export function checkOrder(spec: ExecutionSpec, self: { cluster: string; version: string }): string | null {
  if (spec.cluster !== self.cluster)
    return `it is for cluster ${spec.cluster}, this agent serves ${self.cluster}`;
  if (spec.slipwayVersion !== self.version) {
    return `it was made by version ${spec.slipwayVersion}, this agent is ${self.version} (INV-16)`;
  }
  const ids = new Set(spec.instructions.map(({ id }) => id));
  if (ids.size !== spec.instructions.length) return 'two instructions have one id';
  const known = new Set<string>();
  for (let round = spec.instructions.length; round > 0; round -= 1) {
    for (const { id, needs } of spec.instructions) if (needs.every((need) => known.has(need))) known.add(id);
  }
  const stuck = spec.instructions.find(({ id }) => !known.has(id));
  if (stuck !== undefined) return `instruction ${stuck.id} needs what can never be done before it`;
  for (const instruction of spec.instructions) {
    const missing = missingOf(spec, instruction);
    if (missing !== null) return `instruction ${instruction.id}: ${missing}`;
  }
  return null;
}

function missingOf(spec: ExecutionSpec, instruction: ExecutionSpec['instructions'][number]): string | null {
  if ('side' in instruction && revisionOf(spec, instruction.side) === null) {
    return `there is no revision on side ${instruction.side}`;
  }
  if ('replicas' in instruction && spec.replicas[instruction.workload] === undefined) {
    return `no replicas are given for ${instruction.workload}`;
  }
  switch (instruction.type) {
    case 'ensureWorkload':
    case 'rollWorkload':
    case 'runJob':
      return pinnedOf(spec, instruction.side, instruction.workload) === undefined
        ? `the revision has no workload ${instruction.workload}`
        : null;
    case 'setTraffic':
      if (spec.replicas[instruction.workload] === undefined) {
        return `no replicas are given for ${instruction.workload}`;
      }
      return instruction.weights.kind === 'fixed' && instruction.weights.from + instruction.weights.to !== 100
        ? 'the weights do not sum to 100 (INV-2)'
        : null;
    default:
      return null;
  }
}
