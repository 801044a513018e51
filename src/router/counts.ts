import type { FailureCause, VersionCounts } from './table.ts';

/** Upper bounds of the latency histogram, in milliseconds; the last bucket has none. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000,
];

export function noFailures(): Record<FailureCause, number> {
  return { refused: 0, reset: 0, cut: 0, noBackend: 0, timeout: 0 };
}

/**
 * The requests of one service and version. Every request is begun once and ended once, by one of
 * `completed`, `failed`, `clientGone`, so that requests = completed + failed + clientGone + inFlight
 * holds at any moment.
 */
export class VersionCounter {
  readonly service: string;
  readonly version: string;
  private requests = 0;
  private done = 0;
  private gone = 0;
  private inside = 0;
  private readonly statuses: number[] = [0, 0, 0, 0, 0, 0];
  private readonly failures = noFailures();
  private readonly ownFailures = noFailures();
  private readonly buckets: number[] = new Array<number>(LATENCY_BOUNDS_MS.length + 1).fill(0);

  constructor(service: string, version: string) {
    this.service = service;
    this.version = version;
  }

  begin(): void {
    this.requests++;
    this.inside++;
  }

  /** Takes back a begin: the request goes on under another version, which begins it. */
  moveAway(): void {
    this.requests--;
    this.inside--;
  }

  /** @param latencyMs to the last byte; null for a stream, whose length says nothing about its speed */
  completed(status: number, latencyMs: number | null): void {
    this.inside--;
    this.done++;
    const statusClass = Math.floor(status / 100);
    this.statuses[statusClass] = (this.statuses[statusClass] ?? 0) + 1;
    if (latencyMs === null) return;
    let bucket = 0;
    while (bucket < LATENCY_BOUNDS_MS.length && latencyMs > (LATENCY_BOUNDS_MS[bucket] as number)) bucket++;
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1;
  }

  /** @param byItself its instance failed it, and nobody had told that one to end */
  failed(cause: FailureCause, byItself = false): void {
    this.inside--;
    this.failures[cause]++;
    if (byItself) this.ownFailures[cause]++;
  }

  clientGone(): void {
    this.inside--;
    this.gone++;
  }

  snapshot(): VersionCounts {
    const statuses: Record<string, number> = {};
    for (let c = 1; c <= 5; c++) if (this.statuses[c]) statuses[`${c}xx`] = this.statuses[c] as number;
    const latencyMs: Record<string, number> = {};
    this.buckets.forEach((count, i) => {
      latencyMs[String(LATENCY_BOUNDS_MS[i] ?? 'inf')] = count;
    });
    return {
      service: this.service,
      version: this.version,
      requests: this.requests,
      completed: this.done,
      statuses,
      failed: { ...this.failures },
      byItself: { ...this.ownFailures },
      clientGone: this.gone,
      inFlight: this.inside,
      latencyMs,
    };
  }
}

/** The counters of one kind of traffic (public or preview) since the router's start, tables notwithstanding. */
export class Counters {
  private readonly byKey = new Map<string, VersionCounter>();

  of(service: string, version: string): VersionCounter {
    const key = `${service}\n${version}`;
    let counter = this.byKey.get(key);
    if (counter === undefined) {
      counter = new VersionCounter(service, version);
      this.byKey.set(key, counter);
    }
    return counter;
  }

  snapshot(): VersionCounts[] {
    return [...this.byKey.values()].map((counter) => counter.snapshot());
  }
}
