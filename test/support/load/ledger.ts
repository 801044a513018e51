/**
 * The ledger of the load: every request is booked when it starts and settled exactly once, as finished or as
 * failed with its cause. Nothing here retries or forgives; `close` refuses to balance while one is open.
 */
import { createHistogram } from 'node:perf_hooks';
import { InFlightHistory } from './in-flight-history.ts';
import {
  type Counts,
  type Failure,
  type FailureCause,
  type FailureNote,
  type InFlight,
  KINDS,
  type Kind,
  type KindCounts,
  type Mark,
  type Snapshot,
} from './report.ts';

const FIRST_FAILURES = 50;

interface Tally {
  started: number;
  finished: number;
  failed: number;
  closedByClient: number;
  messages: number;
}

/** Milliseconds since 1970 with a fraction, never going back within one process. */
export type Now = () => number;

export class Ledger {
  readonly #now: Now;
  readonly #byKind = new Map<Kind, Tally>(
    KINDS.map((kind) => [kind, { started: 0, finished: 0, failed: 0, closedByClient: 0, messages: 0 }]),
  );
  readonly #byVersion = new Map<string, { finished: number; failed: number }>();
  readonly #failures = new Map<FailureCause, number>();
  readonly #firstFailures: FailureNote[] = [];
  readonly #marks: Mark[] = [];
  readonly #latency = createHistogram();
  readonly #history = new InFlightHistory();

  constructor(now: Now = () => performance.timeOrigin + performance.now()) {
    this.#now = now;
  }

  /** Books the start of one request. `heldBack`: long on purpose, so its latency says nothing. */
  start(kind: Kind, options: { readonly heldBack?: boolean } = {}): Entry {
    const tally = this.#tally(kind);
    tally.started += 1;
    const startedAt = this.#now();
    const open = this.#history.open(kind, startedAt);
    let version = 'unknown';
    let settled = false;
    const settle = () => {
      if (settled) throw new Error(`a ${kind} request was settled twice: the harness is wrong`);
      settled = true;
      const endedAt = this.#now();
      this.#history.close(open, endedAt);
      return endedAt;
    };
    return {
      get settled() {
        return settled;
      },
      sawVersion: (seen) => {
        version = seen ?? 'unknown';
      },
      message: () => {
        tally.messages += 1;
      },
      finish: ({ closedByClient = false } = {}) => {
        const endedAt = settle();
        tally.finished += 1;
        if (closedByClient) tally.closedByClient += 1;
        this.#version(version).finished += 1;
        const stream = kind === 'sse' || kind === 'websocket' || kind === 'slow';
        if (!stream && options.heldBack !== true) {
          this.#latency.record(Math.max(1, Math.round((endedAt - startedAt) * 1_000)));
        }
      },
      fail: (failure) => {
        const at = new Date(settle()).toISOString();
        tally.failed += 1;
        this.#version(version).failed += 1;
        this.#failures.set(failure.cause, (this.#failures.get(failure.cause) ?? 0) + 1);
        if (this.#firstFailures.length < FIRST_FAILURES) {
          this.#firstFailures.push({ at, kind, version, cause: failure.cause, detail: failure.detail });
        }
      },
    };
  }

  /** Notes under a name what is in flight now. */
  mark(name: string): Mark {
    const mark: Mark = { name, atMs: this.#now(), inFlight: this.#inFlight() };
    this.#marks.push(mark);
    return mark;
  }

  get marks(): readonly Mark[] {
    return this.#marks;
  }

  /** What was in flight at a moment that has passed, by kind; see InFlightHistory. */
  inFlightAt(atMs: number): InFlight {
    return this.#history.at(atMs);
  }

  latency(): { readonly samples: number; readonly p50Ms: number; readonly p99Ms: number } {
    const samples = this.#latency.count;
    const percentile = (p: number) => (samples === 0 ? 0 : this.#latency.percentile(p) / 1_000);
    return { samples, p50Ms: percentile(50), p99Ms: percentile(99) };
  }

  snapshot(): Snapshot {
    const byKind = Object.fromEntries(
      KINDS.map((kind) => {
        const tally = this.#tally(kind);
        return [kind, { ...tally, inFlight: tally.started - tally.finished - tally.failed }];
      }),
    ) as Record<Kind, KindCounts>;
    const sum = (field: keyof Counts) => KINDS.reduce((total, kind) => total + byKind[kind][field], 0);
    return {
      atMs: this.#now(),
      started: sum('started'),
      finished: sum('finished'),
      failed: sum('failed'),
      failures: Object.fromEntries(this.#failures),
      byKind,
      byVersion: Object.fromEntries(
        [...this.#byVersion].map(([version, counts]) => [version, { ...counts }]),
      ),
      firstFailures: [...this.#firstFailures],
    };
  }

  /** The last snapshot. Throws while a request is open: the books must balance. */
  close(): Snapshot {
    const last = this.snapshot();
    if (last.started !== last.finished + last.failed) {
      throw new Error(
        `the books do not balance: ${last.started} started, ${last.finished} finished, ${last.failed} failed`,
      );
    }
    return last;
  }

  #inFlight(): InFlight {
    return Object.fromEntries(
      KINDS.map((kind) => {
        const { started, finished, failed } = this.#tally(kind);
        return [kind, started - finished - failed];
      }),
    ) as Record<Kind, number>;
  }

  #tally(kind: Kind): Tally {
    const tally = this.#byKind.get(kind);
    if (tally === undefined) throw new TypeError(`no such kind of traffic: ${kind}`);
    return tally;
  }

  #version(version: string): { finished: number; failed: number } {
    const counts = this.#byVersion.get(version) ?? { finished: 0, failed: 0 };
    this.#byVersion.set(version, counts);
    return counts;
  }
}

/** One booked request. `finish` or `fail` settles it; a second settling throws. */
export interface Entry {
  readonly settled: boolean;
  /** The version header of the answer, as soon as its head is here. */
  sawVersion(version: string | undefined): void;
  /** One event in order, or one right echo. */
  message(): void;
  finish(options?: { readonly closedByClient?: boolean }): void;
  fail(failure: Failure): void;
}
