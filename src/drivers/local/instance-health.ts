import type { Readiness } from '../../api/workload.ts';
import type { Clock } from '../../lib/clock.ts';
import { durationMs } from '../../lib/durations.ts';
import { messageOf } from '../../lib/errors.ts';
import { proofDelayMs, startProbeDelayMs } from './backoff.ts';
import type { ProofVerdict } from './proof.ts';
import type { ProbeOutcome } from './readiness.ts';

/** How one running instance is asked, and who hears of it. */
export interface HealthContext {
  readonly clock: Clock;
  readonly readiness: Readiness;
  /** A worker has nothing to prove. */
  readonly takesTraffic: boolean;
  /** When its time to get ready began, ms since 1970. */
  readonly since: number;
  /** Aborted when it retires, has ended, or the driver stops. */
  readonly signal: AbortSignal;
  probe(): Promise<ProbeOutcome>;
  prove(signal: AbortSignal): Promise<ProofVerdict>;
  /** Resolves when the router knows it by name. */
  tableInForce(): Promise<void>;
  isServing(): boolean;
  changed(): void;
  /** It was not ready within its start timeout. */
  startTimedOut(): Promise<void>;
}

/** Of one instance, in a row. */
export interface FailedProofs {
  readonly count: number;
  /** The latest of them in a row that got no answer at all. */
  readonly silent: number;
  /** What the last one saw. */
  readonly reason: string;
}

export type HealthState = 'starting' | 'ready' | 'notReady';

/**
 * Whether one instance can take traffic, as edges: `starting → ready ⇄ notReady` by its readiness probe, and
 * while it is ready, proven or not by requests through the router's preview. Ready without proof is an
 * instance that says more than it does.
 */
export class InstanceHealth {
  readonly #context: HealthContext;
  readonly #firstReady = Promise.withResolvers<void>();
  #state: HealthState = 'starting';
  #proven = false;
  #readySince: number | null = null;
  #lastReadyAt: number | null = null;
  #lastProbe: { since: number; at: number; outcome: ProbeOutcome } | null = null;
  #failedProbes = 0;
  #failedProofs: FailedProofs | null = null;

  constructor(context: HealthContext) {
    this.#context = context;
  }

  get state(): HealthState {
    return this.#state;
  }
  get proven(): boolean {
    return this.#context.takesTraffic ? this.#proven : this.#state === 'ready';
  }
  /** Resolves when it is ready for the first time. */
  get firstReady(): Promise<void> {
    return this.#firstReady.promise;
  }
  /** When its probe last succeeded, ms since 1970. */
  get lastReadyAt(): number | null {
    return this.#lastReadyAt;
  }
  /** With the monotonic times of this answer, and of the first of those in a row that said the same. */
  get lastProbe(): {
    readonly since: number;
    readonly at: number;
    readonly outcome: ProbeOutcome;
  } | null {
    return this.#lastProbe;
  }
  /** How long it has been ready without a break, in ms. */
  get readyForMs(): number {
    return this.#readySince === null ? 0 : this.#context.clock.monotonic() - this.#readySince;
  }
  /** Proofs that failed in a row, and what the last one saw. */
  get failedProofs(): FailedProofs | null {
    return this.#failedProofs;
  }

  /** It served a moment ago, under a former driver: it goes on until its probe says otherwise. */
  resume(): void {
    this.#becomeReady(true);
  }

  /** Probes until the signal; rejects with its reason. */
  async watch(): Promise<void> {
    const { clock, readiness, signal, since } = this.#context;
    const intervalMs = durationMs(readiness.interval);
    const deadlineMs = durationMs(readiness.startTimeout);
    for (;;) {
      signal.throwIfAborted();
      const ageMs = clock.now() - since;
      if (this.#state === 'starting' && ageMs > deadlineMs) {
        await this.#context.startTimedOut();
        return;
      }
      await clock.sleep(
        this.#state === 'starting' ? startProbeDelayMs(ageMs, intervalMs) : intervalMs,
        signal,
      );
      await this.probeNow();
    }
  }

  async probeNow(): Promise<void> {
    const { clock, readiness, signal } = this.#context;
    const outcome = await this.#context.probe();
    if (signal.aborted) return;
    const at = clock.monotonic();
    const isSame = this.#lastProbe?.outcome.message === outcome.message;
    this.#lastProbe = { since: isSame ? (this.#lastProbe?.since ?? at) : at, at, outcome };
    if (outcome.ok) {
      this.#failedProbes = 0;
      this.#lastReadyAt = clock.now();
      // Where it was out of the table it proves itself anew; where it was kept as the least bad it goes on.
      if (this.#state !== 'ready') this.#becomeReady(this.#proven && this.#context.isServing());
    } else if (!outcome.ours) {
      this.#failedProbes += 1;
      if (this.#state === 'ready' && this.#failedProbes >= readiness.failureThreshold) this.#loseReadiness();
    }
  }

  #becomeReady(isProven: boolean): void {
    const { clock, signal } = this.#context;
    this.#state = 'ready';
    this.#proven = isProven;
    this.#lastReadyAt = clock.now();
    this.#readySince = clock.monotonic();
    this.#firstReady.resolve();
    this.#context.changed();
    if (isProven || !this.#context.takesTraffic) return;
    this.#prove(this.#readySince).catch((error: unknown) => {
      if (!signal.aborted) this.#failedProofs = { count: 1, silent: 0, reason: messageOf(error) };
    });
  }

  #loseReadiness(): void {
    this.#state = 'notReady';
    this.#readySince = null;
    this.#context.changed();
  }

  /** Until it succeeds, or the readiness that began at `since` is over. */
  async #prove(since: number): Promise<void> {
    const { clock, signal } = this.#context;
    this.#failedProofs = null;
    let silent = 0;
    for (let count = 1; ; count += 1) {
      const verdict = await this.#askForProof();
      if (signal.aborted || this.#state !== 'ready' || this.#readySince !== since) return;
      this.#proven = verdict.ok;
      silent = !verdict.ok && verdict.silent === true ? silent + 1 : 0;
      this.#failedProofs = verdict.ok ? null : { count, silent, reason: verdict.reason };
      this.#context.changed();
      if (verdict.ok) return;
      await clock.sleep(proofDelayMs(count), signal);
    }
  }

  /** A table that the router refuses is a proof that cannot be had. */
  async #askForProof(): Promise<ProofVerdict> {
    try {
      await this.#context.tableInForce();
    } catch (error) {
      return { ok: false, reason: `the router has no entry for it: ${messageOf(error)}` };
    }
    return await this.#context.prove(this.#context.signal);
  }
}
