/**
 * Smooth weighted round robin: deterministic, and within one round of the weights' sum every member has
 * had exactly its share, spread evenly (5:1:1 gives a a b a c a a). The method is nginx's: each pick
 * raises every member by its weight and lowers the winner by the sum.
 */
export class SmoothWeights {
  private readonly weights: readonly number[];
  private readonly current: number[];

  constructor(weights: readonly number[]) {
    this.weights = weights;
    this.current = weights.map(() => 0);
  }

  /** The next member among those that `usable` allows and that have a weight; -1 where there is none. */
  next(usable: (index: number) => boolean): number {
    let sum = 0;
    let best = -1;
    for (let i = 0; i < this.weights.length; i++) {
      const weight = this.weights[i] as number;
      if (weight === 0 || !usable(i)) continue;
      sum += weight;
      this.current[i] = (this.current[i] as number) + weight;
      if (best === -1 || (this.current[i] as number) > (this.current[best] as number)) best = i;
    }
    if (best !== -1) this.current[best] = (this.current[best] as number) - sum;
    return best;
  }
}
