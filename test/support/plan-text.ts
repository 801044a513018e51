import type { Plan, Stage } from '../../src/api/plan.ts';
import { describeCount, evaluateWeights } from '../../src/engine/counts.ts';

/** A plan as one line per instruction, against a size: what reference cases are compared by. */
export function planText(plan: Pick<Plan, 'stages' | 'afterwards' | 'strategy'>, full: number): string[] {
  return [...plan.stages.flatMap((stage) => stageText(stage, full)), `afterwards ${plan.afterwards}`];
}

export function stageText(stage: Stage, full: number): string[] {
  const advance =
    stage.advance.kind === 'auto'
      ? ''
      : stage.advance.kind === 'manual'
        ? ' · pause'
        : ` · soak ${stage.advance.ms} ms`;
  const gates = [
    ...stage.gatesBefore.map((g) => ` · before ${g.name}`),
    ...stage.gatesAfter.map((g) => ` · after ${g.name}`),
  ].join('');
  return [
    `${stage.number} ${stage.title}${gates}${advance}`,
    ...stage.instructions.map(
      (i) => `  ${i.id}${argument(i, full)}${i.needs.length > 0 ? ` ← ${i.needs.join(' ')}` : ''}`,
    ),
  ];
}

function argument(instruction: Stage['instructions'][number], full: number): string {
  switch (instruction.type) {
    case 'ensureWorkload':
    case 'awaitReady':
    case 'drain':
    case 'rollWorkload':
      return ` ${describeCount(instruction.replicas, full)}`;
    case 'proveTraffic':
      return instruction.when === 'before' ? ` ${describeCount(instruction.replicas, full)}` : '';
    case 'setTraffic': {
      const { from, to } = evaluateWeights(instruction.weights, full);
      return ` ${from}/${to}`;
    }
    default:
      return '';
  }
}
