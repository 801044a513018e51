import type { InstanceObservation, WorkloadKey } from '../drivers/cluster-driver.ts';
import { proofDelayMs } from '../drivers/local/backoff.ts';
import type { Symptoms } from '../drivers/local/problem.ts';
import type { Program } from './program.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

/** One request inside an instance. */
export interface Inside {
  readonly stream: boolean;
  /** Ends it early: the instance is gone. */
  cut(cause: 'reset', why: 'died' | 'cap' | 'killed'): void;
  /** The application ends it by itself at SIGTERM, as it should. */
  endWell(): void;
}

export interface InstanceEnd {
  /** By itself, for not being ready in time, or because nobody wants it. */
  readonly why: 'died' | 'startTimeout' | 'order';
  readonly exitCode: number | null;
}

/** What happens around one instance; the workload that it belongs to listens. */
export interface InstanceEvents {
  changed(instance: SimulatedInstance): void;
  /** It is no more. */
  ended(instance: SimulatedInstance, how: InstanceEnd): void;
}

/** Whoever never answers is asked so often in vain; asking on would change nothing but cost events. */
const HOPELESS_PROOFS = 12;

/** One process of an application: it starts, gets ready, serves, flaps, dies, or is retired. */
export class SimulatedInstance {
  readonly id: string;
  readonly key: WorkloadKey;
  /** Its place among its siblings, and the restart that it was started for. */
  readonly ordinal: number;
  readonly round: number;
  /** Failures of its place before it. */
  readonly restarts: number;
  readonly program: Program;
  readonly startedAtMs: number;
  /** Null until it has one. */
  port: number | null = null;
  readonly inside = new Set<Inside>();
  state: InstanceObservation['state'] = 'starting';
  /** It has answered through the preview since it last joined the table. */
  proven = false;
  wasReady = false;
  /** When its first real answers come, in spite of its probe and the proof. */
  answersFromMs = 0;
  /** Takes its part of its version's traffic. */
  isInTable = false;
  /** Milliseconds since 1970; null: never. */
  lastReadyAt: number | null = null;
  exitCode: number | null = null;
  /** Since when it is being retired; null: it is not. */
  retiringSinceMs: number | null = null;
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;
  readonly #events: InstanceEvents;
  readonly #timers = new Set<Disposable>();
  readonly #takesTraffic: boolean;
  readonly #epochMs: number;
  #readySinceMs: number | null = null;
  #failedProofs: NonNullable<Symptoms['health']>['failedProofs'] = null;

  constructor(options: {
    id: string;
    key: WorkloadKey;
    ordinal: number;
    round: number;
    restarts: number;
    program: Program;
    isJob: boolean;
    takesTraffic: boolean;
    startTimeoutMs: number;
    epochMs: number;
    timeline: Timeline;
    random: SeededRandom;
    events: InstanceEvents;
  }) {
    this.id = options.id;
    this.key = options.key;
    this.ordinal = options.ordinal;
    this.round = options.round;
    this.restarts = options.restarts;
    this.program = options.program;
    this.#takesTraffic = options.takesTraffic;
    this.#epochMs = options.epochMs;
    this.startedAtMs = options.timeline.now;
    this.#timeline = options.timeline;
    this.#random = options.random;
    this.#events = options.events;
    if (options.isJob) this.after(this.program.job.ms, () => this.die(this.program.job.exitCode));
    else if (this.program.crashesAtStart) this.after(this.#random.between(50, 600), () => this.die(1));
    else this.after(this.#outageMs() + this.#vary(this.program.startMs), () => this.#ready());
    if (!options.isJob) this.after(options.startTimeoutMs, () => this.#giveUpStarting());
  }

  /** Its state as the port tells it. */
  get shown(): InstanceObservation['state'] {
    return this.retiringSinceMs !== null && this.state !== 'exited' ? 'retiring' : this.state;
  }

  get serves(): boolean {
    return this.state === 'ready' && this.proven;
  }

  /** How long it has been ready without a break. */
  get readyForMs(): number {
    return this.#readySinceMs === null ? 0 : this.#timeline.now - this.#readySinceMs;
  }

  /** What can be wrong with it. */
  get symptoms(): Symptoms {
    const { id, ordinal, lastReadyAt } = this;
    return {
      id,
      state: this.shown,
      record: { ordinal, startedAt: this.#epochMs + this.startedAtMs },
      health: { lastReadyAt, failedProofs: this.#failedProofs, lastProbe: null },
    };
  }

  get requests(): number {
    let count = 0;
    for (const { stream } of this.inside) if (!stream) count += 1;
    return count;
  }

  get streams(): number {
    return this.inside.size - this.requests;
  }

  /** A timer of this instance; none fires once it is gone. */
  after(ms: number, act: () => void): void {
    if (!Number.isFinite(ms)) return;
    const timer = this.#timeline.after(ms, () => {
      this.#timers.delete(timer);
      act();
    });
    this.#timers.add(timer);
  }

  /** Its process ends by itself. */
  die(exitCode: number | null): void {
    if (this.state === 'exited') return;
    this.#end();
    this.exitCode = exitCode;
    for (const request of [...this.inside]) request.cut('reset', 'died');
    this.#events.ended(this, { why: 'died', exitCode });
  }

  /** Its process was ended by whoever supervises it. */
  stop(why: 'cap' | 'killed'): number {
    const left = [...this.inside];
    this.#end();
    for (const request of left) request.cut('reset', why);
    this.#events.ended(this, { why: 'order', exitCode: 0 });
    return left.length;
  }

  #end(): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#timers.clear();
    this.state = 'exited';
  }

  #giveUpStarting(): void {
    if (this.state !== 'starting' || this.retiringSinceMs !== null) return;
    this.#end();
    this.#events.ended(this, { why: 'startTimeout', exitCode: null });
  }

  #ready(): void {
    if (this.retiringSinceMs !== null) return;
    this.state = 'ready';
    this.wasReady = true;
    this.#readySinceMs = this.#timeline.now;
    this.lastReadyAt = this.#epochMs + this.#timeline.now;
    const { crashEveryMs, flapEveryMs } = this.program;
    // Where it was kept in the table as the least bad it goes on; a worker has nothing to prove.
    this.proven = !this.#takesTraffic || (this.proven && this.isInTable);
    if (!this.proven) this.#proveLater(this.#readySinceMs, 1, this.#random.between(2, 40));
    if (crashEveryMs !== null) this.after(this.#mean(crashEveryMs), () => this.die(1));
    if (flapEveryMs !== null) this.after(this.#mean(flapEveryMs), () => this.#flap());
    this.#events.changed(this);
  }

  /** Asked through the preview a moment after it is ready, and again until it really serves. */
  #proveLater(since: number, count: number, ms: number): void {
    this.after(ms, () => {
      if (this.state !== 'ready' || this.#readySinceMs !== since || this.retiringSinceMs !== null) return;
      this.proven = this.readyForMs >= this.program.serveMs;
      if (this.proven) this.answersFromMs = this.#timeline.now + (this.program.lateMs ?? 0);
      const isSilent = !Number.isFinite(this.program.serveMs);
      const reason = isSilent ? 'no complete answer' : 'it answers with errors';
      this.#failedProofs = this.proven ? null : { count, silent: isSilent ? count : 0, reason };
      if (!this.proven && (count < HOPELESS_PROOFS || !isSilent))
        this.#proveLater(since, count + 1, proofDelayMs(count));
      this.#events.changed(this);
    });
  }

  #flap(): void {
    if (this.state !== 'ready') return;
    this.lastReadyAt = this.#epochMs + this.#timeline.now;
    this.state = 'notReady';
    this.#readySinceMs = null;
    this.#failedProofs = null;
    this.#events.changed(this);
    this.after(this.#random.between(200, 8_000), () => this.#ready());
  }

  /** What is left of the time in which nothing that starts gets ready. */
  #outageMs(): number {
    const { outage } = this.program;
    const { now } = this.#timeline;
    return outage === null || now < outage.fromMs ? 0 : Math.max(0, outage.untilMs - now);
  }

  #vary(ms: number): number {
    return ms * (0.7 + 0.6 * this.#random.next());
  }

  /** Exponential with this mean. */
  #mean(ms: number): number {
    return -Math.log(1 - this.#random.next()) * ms;
  }
}
