import type { VersionCounter } from './counts.ts';
import type { Upstream } from './upstream.ts';

/** The serving instances of one version, and whose turn it is. */
export class VersionPool {
  readonly service: string;
  readonly version: string;
  readonly counter: VersionCounter;
  readonly upstreams: readonly Upstream[];
  private turn = 0;

  constructor(counter: VersionCounter, upstreams: readonly Upstream[]) {
    this.service = counter.service;
    this.version = counter.version;
    this.counter = counter;
    this.upstreams = upstreams;
  }

  /**
   * The instance with the fewest requests inside, in turn among equals. One that refused a connection
   * lately comes only when no other is left: with nothing inside it would win every time.
   *
   * @param tried instances that this request must not be sent to again
   * @param now milliseconds of the monotonic clock
   */
  pick(tried: readonly Upstream[], now: number): Upstream | null {
    const count = this.upstreams.length;
    let best: Upstream | null = null;
    let bestLoad = Number.POSITIVE_INFINITY;
    if (this.turn >= count) this.turn = 0;
    let bestAt = 0;
    for (let i = 0; i < count; i++) {
      const at = this.turn + i < count ? this.turn + i : this.turn + i - count;
      const upstream = this.upstreams[at] as Upstream;
      if (tried.length > 0 && tried.includes(upstream)) continue;
      const load = upstream.inside + (upstream.avoidUntil > now ? AVOIDED : 0);
      if (load < bestLoad) {
        best = upstream;
        bestLoad = load;
        bestAt = at;
        if (load === 0) break;
      }
    }
    if (best !== null) this.turn = bestAt + 1;
    return best;
  }
}

const AVOIDED = 1e9;
