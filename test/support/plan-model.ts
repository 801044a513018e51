import type { Instruction, Stage } from '../../src/api/plan.ts';
import { evaluateCount, evaluateWeights } from '../../src/engine/counts.ts';
import {
  getsTraffic,
  hadTraffic,
  type PlanWorkload,
} from '../../src/engine/strategies/stage-instructions.ts';

type Side = 'from' | 'to';

/** One workload in the most hostile order that a plan allows: new instances are ready at the last moment. */
class WorkloadModel {
  readonly w: PlanWorkload;
  /** Wanted instances. */
  readonly wanted: Record<Side, number>;
  readonly ready: Record<Side, number>;
  readonly proven: Record<Side, number>;
  /** Both 0: the entry does not lead to it. */
  weights: Record<Side, number>;

  constructor(w: PlanWorkload, toIsWarm: boolean) {
    this.w = w;
    const from = w.inFrom ? w.replicasFrom : 0;
    const to = toIsWarm && w.inTo && w.type !== 'worker' ? w.replicas : 0;
    this.wanted = { from, to };
    this.ready = { from, to };
    this.proven = { from, to: 0 };
    this.weights = hadTraffic(w) ? { from: 100, to: 0 } : { from: 0, to: 0 };
  }

  sizeOf(side: Side): number {
    return side === 'from' ? this.w.replicasFrom : this.w.replicas;
  }

  /** Part of what the entry needs that stands behind it: 1 is full strength, whatever the sides' sizes are. */
  get capacity(): number {
    return (['from', 'to'] as const)
      .filter((side) => this.weights[side] > 0)
      .reduce((sum, side) => sum + this.ready[side] / this.sizeOf(side), 0);
  }

  private get named(): boolean {
    return this.weights.from + this.weights.to > 0;
  }

  /** Carries one out and answers what it breaks. */
  run(instruction: Instruction): string[] {
    return [...this.apply(instruction), ...this.checkFloors()];
  }

  private *apply(instruction: Instruction): Iterable<string> {
    const { w } = this;
    const other = (side: Side): Side => (side === 'from' ? 'to' : 'from');
    const count = (side: Side, replicas: Parameters<typeof evaluateCount>[0]) =>
      evaluateCount(replicas, this.sizeOf(side), this.sizeOf(other(side)));
    switch (instruction.type) {
      case 'ensureWorkload': {
        const { side } = instruction;
        const n = count(side, instruction.replicas);
        if (!(side === 'from' ? w.inFrom : w.inTo)) yield `${side} has no such workload`;
        if (n < this.wanted[side]) yield `INV-5: ensureWorkload shrinks side ${side}`;
        const grows = n > this.wanted[side];
        this.wanted[side] = n;
        const total = this.wanted.from + this.wanted.to;
        const most = Math.max(w.inFrom ? w.replicasFrom : 0, w.inTo ? w.replicas : 0) + w.surge;
        if (side === 'to' && grows && total > most) yield `surge: ${total} of ${most}`;
        return;
      }
      case 'awaitReady':
        this.ready[instruction.side] = this.wanted[instruction.side];
        return;
      case 'proveTraffic':
        if (instruction.when === 'before') this.proven[instruction.side] = this.ready[instruction.side];
        else if (!this.named) yield 'there is no traffic to prove';
        return;
      case 'setTraffic': {
        const weights = evaluateWeights(instruction.weights, w.replicas, w.replicasFrom);
        if (weights.from + weights.to !== 100) yield `INV-2: weights ${weights.from}/${weights.to}`;
        for (const side of ['from', 'to'] as const) {
          if (weights[side] <= this.weights[side]) continue;
          if (this.proven[side] === 0) yield `INV-1: ${side} is admitted without proof`;
          if (this.proven[side] < this.ready[side]) yield `INV-1: not all of ${side} is proven`;
        }
        this.weights = weights;
        return;
      }
      case 'removeTraffic':
        this.weights = { from: 0, to: 0 };
        return;
      case 'drain': {
        const { side } = instruction;
        const n = Math.min(this.wanted[side], count(side, instruction.replicas));
        if (n === 0 && this.weights[side] > 0)
          yield `stillNamed: ${side} is drained at ${this.weights[side]} %`;
        this.shrink(side, n);
        return;
      }
      case 'removeWorkload':
        if (this.weights[instruction.side] > 0) yield 'INV-5: removed while weighted';
        this.shrink(instruction.side, 0);
        return;
      case 'rollWorkload':
        // The agent's own, with a property of its own (roll-step.test.ts).
        this.wanted.to = w.replicas;
        this.ready.to = w.replicas;
        this.shrink('from', 0);
        if (getsTraffic(w)) this.weights = { from: 0, to: 100 };
        else if (this.named) yield 'stillNamed: rolled away under its routes';
        return;
      default:
        return;
    }
  }

  private shrink(side: Side, n: number): void {
    this.wanted[side] = n;
    this.ready[side] = Math.min(this.ready[side], n);
    this.proven[side] = Math.min(this.proven[side], n);
  }

  private *checkFloors(): Iterable<string> {
    const { w } = this;
    // What nobody reached before has no strength to keep.
    if (!this.named || !hadTraffic(w)) return;
    const size = w.inTo ? Math.max(w.replicas, w.replicasFrom) : w.replicasFrom;
    const floor = 1 - w.unavailable / size;
    if (this.capacity < floor - 1e-9) yield `INV-7: capacity ${this.capacity} below floor ${floor}`;
    for (const side of ['from', 'to'] as const) {
      const share = this.weights[side];
      // Whole percents round the share of an instance count up to half a percent of the size away.
      const needed = Math.ceil((floor * this.sizeOf(side) * Math.max(0, share - 0.5)) / 100 - 1e-9);
      if (share > 0 && share < 100 && this.ready[side] < needed)
        yield `INV-5: ${side} has ${this.ready[side]} for ${share} % of ${this.sizeOf(side)}`;
    }
  }
}

/** All workloads of a release; instructions run in any order that their needs allow. */
export class PlanModel {
  readonly workloads: ReadonlyMap<string, WorkloadModel>;
  /** Most instances that ran at once. */
  peak: number;
  private readonly done = new Set<string>();

  constructor(workloads: readonly PlanWorkload[], toIsWarm: boolean) {
    this.workloads = new Map(workloads.map((w) => [w.name, new WorkloadModel(w, toIsWarm)]));
    this.peak = this.running;
  }

  private get running(): number {
    return [...this.workloads.values()].reduce((sum, { wanted }) => sum + wanted.from + wanted.to, 0);
  }

  of(name: string): WorkloadModel {
    const model = this.workloads.get(name);
    if (model === undefined) throw new Error(`no workload ${name}`);
    return model;
  }

  /** Instructions whose needs are done. */
  available(stage: Stage): Instruction[] {
    return stage.instructions.filter(
      (i) => !this.done.has(i.id) && i.needs.every((need) => this.done.has(need)),
    );
  }

  beginStage(): void {
    this.done.clear();
  }

  run(instruction: Instruction): string[] {
    this.done.add(instruction.id);
    if (!('workload' in instruction) || instruction.workload === null) return [];
    const broken = this.of(instruction.workload).run(instruction);
    this.peak = Math.max(this.peak, this.running);
    return broken;
  }
}
