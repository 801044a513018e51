import type { InstanceObservation, WorkloadKey } from '../drivers/cluster-driver.ts';
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

/** What happens around one instance; the workload that it belongs to listens. */
export interface InstanceEvents {
  changed(instance: SimulatedInstance): void;
  /** It is no more; `by` itself, or at somebody's word. */
  ended(
    instance: SimulatedInstance,
    how: { readonly by: 'itself' | 'order'; readonly exitCode: number | null },
  ): void;
}

/** One process of an application: it starts, gets ready, serves, flaps, dies, or is retired. */
export class SimulatedInstance {
  readonly id: string;
  readonly key: WorkloadKey;
  readonly program: Program;
  readonly startedAtMs: number;
  readonly port: number;
  readonly inside = new Set<Inside>();
  state: InstanceObservation['state'] = 'starting';
  /** It has answered through the preview since it was last ready. */
  proven = false;
  wasReady = false;
  /** When its first real answers come, in spite of its probe and the proof. */
  answersFromMs = 0;
  exitCode: number | null = null;
  /** Since when it is being retired; null: it is not. */
  retiringSinceMs: number | null = null;
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;
  readonly #events: InstanceEvents;
  readonly #timers = new Set<Disposable>();

  constructor(options: {
    id: string;
    key: WorkloadKey;
    program: Program;
    port: number;
    isJob: boolean;
    timeline: Timeline;
    random: SeededRandom;
    events: InstanceEvents;
  }) {
    this.id = options.id;
    this.key = options.key;
    this.program = options.program;
    this.port = options.port;
    this.startedAtMs = options.timeline.now;
    this.#timeline = options.timeline;
    this.#random = options.random;
    this.#events = options.events;
    if (options.isJob) this.after(this.program.job.ms, () => this.die(this.program.job.exitCode));
    else if (this.program.crashesAtStart) this.after(this.#random.between(50, 600), () => this.die(1));
    else this.after(this.#vary(this.program.startMs), () => this.#ready());
  }

  get serves(): boolean {
    return this.state === 'ready' && this.proven;
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
    this.#events.ended(this, { by: 'itself', exitCode });
  }

  /** Its process was ended by whoever supervises it. */
  stop(why: 'cap' | 'killed'): number {
    const left = [...this.inside];
    this.#end();
    for (const request of left) request.cut('reset', why);
    this.#events.ended(this, { by: 'order', exitCode: 0 });
    return left.length;
  }

  #end(): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#timers.clear();
    this.state = 'exited';
    this.proven = false;
  }

  #ready(): void {
    if (this.retiringSinceMs !== null) return;
    this.state = 'ready';
    this.wasReady = true;
    const { serveMs, crashEveryMs, flapEveryMs } = this.program;
    // Proof: three answers through the preview, a moment after it is ready and really serves.
    this.after(serveMs + this.#random.between(2, 40), () => {
      if (this.state !== 'ready') return;
      this.proven = true;
      this.answersFromMs = this.#timeline.now + (this.program.lateMs ?? 0);
      this.#events.changed(this);
    });
    if (crashEveryMs !== null) this.after(this.#mean(crashEveryMs), () => this.die(1));
    if (flapEveryMs !== null) this.after(this.#mean(flapEveryMs), () => this.#flap());
    this.#events.changed(this);
  }

  #flap(): void {
    if (this.state !== 'ready') return;
    this.state = 'notReady';
    this.proven = false;
    this.#events.changed(this);
    this.after(this.#random.between(200, 8_000), () => this.#ready());
  }

  #vary(ms: number): number {
    return ms * (0.7 + 0.6 * this.#random.next());
  }

  /** Exponential with this mean. */
  #mean(ms: number): number {
    return -Math.log(1 - this.#random.next()) * ms;
  }
}
