import type { Instruction, Stage } from '../../src/api/plan.ts';
import { evaluateCount, evaluateWeights } from '../../src/engine/counts.ts';
import type { PlanWorkload } from '../../src/engine/strategies/stage-instructions.ts';

/** One routed workload in the most hostile order that a plan allows: new instances are ready at the last moment. */
export class PlanModel {
  from: number;
  to: number;
  readyTo: number;
  readyFrom: number;
  weights: { from: number; to: number };
  provenTo = 0;
  peak = 0;
  private readonly w: PlanWorkload;
  private readonly done = new Set<string>();

  constructor(w: PlanWorkload, start: { from: number; to: number }) {
    this.w = w;
    this.from = start.from;
    this.readyFrom = start.from;
    this.to = start.to;
    this.readyTo = start.to;
    this.weights = w.inFrom ? { from: 100, to: 0 } : { from: 0, to: 0 };
  }

  /** Ready instances behind the entry. */
  get capacity(): number {
    return (this.weights.from > 0 ? this.readyFrom : 0) + (this.weights.to > 0 ? this.readyTo : 0);
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

  /** Carries one out and answers what it breaks. */
  run(instruction: Instruction): string[] {
    const { replicas: full, surge, unavailable } = this.w;
    const broken: string[] = [];
    const before = this.capacity;
    this.done.add(instruction.id);
    switch (instruction.type) {
      case 'ensureWorkload': {
        const n = evaluateCount(instruction.replicas, full);
        if (instruction.side === 'to') {
          if (n < this.to) broken.push('INV-5: ensureWorkload shrinks the new side');
          this.to = n;
        } else {
          if (n < this.from) broken.push('INV-5: ensureWorkload shrinks the old side');
          this.from = n;
        }
        break;
      }
      case 'awaitReady':
        if (instruction.side === 'to') this.readyTo = this.to;
        else this.readyFrom = this.from;
        break;
      case 'proveTraffic':
        if (instruction.when === 'before' && instruction.side === 'to') this.provenTo = this.readyTo;
        break;
      case 'setTraffic': {
        const weights = evaluateWeights(instruction.weights, full);
        if (weights.from + weights.to !== 100) broken.push(`INV-2: weights ${weights.from}/${weights.to}`);
        if (weights.to > this.weights.to && this.provenTo < Math.max(1, Math.min(this.readyTo, 1)))
          broken.push('INV-1: admitted without proof');
        if (weights.to > this.weights.to && this.provenTo < this.readyTo)
          broken.push('INV-1: not every instance that enters is proven');
        this.weights = weights;
        break;
      }
      case 'drain': {
        const n = evaluateCount(instruction.replicas, full);
        if (instruction.side === 'from') {
          this.from = Math.min(this.from, n);
          this.readyFrom = Math.min(this.readyFrom, n);
        } else {
          this.to = Math.min(this.to, n);
          this.readyTo = Math.min(this.readyTo, n);
        }
        break;
      }
      case 'removeWorkload':
        if (instruction.side === 'from') {
          if (this.weights.from > 0) broken.push('INV-5: removed while weighted');
          this.from = 0;
          this.readyFrom = 0;
        } else {
          if (this.weights.to > 0 && this.w.inFrom) broken.push('INV-5: removed while weighted');
          this.to = 0;
          this.readyTo = 0;
        }
        break;
      default:
        break;
    }
    this.peak = Math.max(this.peak, this.from + this.to);
    if (
      this.from + this.to > full + surge &&
      instruction.type === 'ensureWorkload' &&
      instruction.side === 'to'
    )
      broken.push(`surge: ${this.from}+${this.to} of ${full}+${surge}`);
    const floor = full - unavailable;
    if (this.w.inFrom && this.capacity < floor && this.capacity < before)
      broken.push(`INV-7: capacity ${this.capacity} below floor ${floor}`);
    for (const side of ['from', 'to'] as const) {
      const ready = side === 'from' ? this.readyFrom : this.readyTo;
      const share = this.weights[side];
      // Whole percents round the share of an instance count up to half a percent of the size away.
      const needed = Math.ceil((floor * Math.max(0, share - 0.5)) / 100 - 1e-9);
      if (this.w.inFrom && share > 0 && share < 100 && ready < Math.min(needed, ready + 1) && ready < needed)
        broken.push(`INV-5: ${side} has ${ready} for ${share} % of ${floor}`);
    }
    return broken;
  }
}
