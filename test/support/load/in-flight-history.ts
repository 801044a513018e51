/**
 * Which requests were in flight at a moment in the past. A flip is known by its time only after it has
 * happened, so asking "now" would ask too late.
 */
import { type InFlight, KINDS, type Kind } from './report.ts';

/** Shorter requests are not remembered once they have ended: they prove nothing about a flip. */
const WORTH_REMEMBERING_MS = 20;
const MAX_REMEMBERED = 200_000;

interface Interval {
  readonly kind: Kind;
  readonly startedAt: number;
  endedAt: number;
}

export class InFlightHistory {
  readonly #open = new Set<Interval>();
  #ended: Interval[] = [];

  open(kind: Kind, startedAt: number): Interval {
    const interval = { kind, startedAt, endedAt: Number.POSITIVE_INFINITY };
    this.#open.add(interval);
    return interval;
  }

  close(interval: Interval, endedAt: number): void {
    interval.endedAt = endedAt;
    this.#open.delete(interval);
    if (endedAt - interval.startedAt < WORTH_REMEMBERING_MS) return;
    this.#ended.push(interval);
    if (this.#ended.length > MAX_REMEMBERED) this.#ended = this.#ended.slice(MAX_REMEMBERED / 2);
  }

  /**
   * Requests by kind that had started before `atMs` and ended after it: a lower bound, since short ones and
   * the oldest are forgotten.
   */
  at(atMs: number): InFlight {
    const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
    for (const intervals of [this.#ended, this.#open]) {
      for (const { kind, startedAt, endedAt } of intervals) {
        if (startedAt < atMs && endedAt > atMs) counts[kind] += 1;
      }
    }
    return counts;
  }
}
