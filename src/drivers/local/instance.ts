import { rm } from 'node:fs/promises';
import type { Readiness } from '../../api/workload.ts';
import type { Clock } from '../../lib/clock.ts';
import { durationMs } from '../../lib/durations.ts';
import { messageOf } from '../../lib/errors.ts';
import type { ProcessIdentity } from '../../lib/processes.ts';
import type { WorkloadWish } from '../cluster-driver.ts';
import { coalesced } from './coalesce.ts';
import { diagnose } from './diagnose.ts';
import { endFailedStart, endRest } from './end-processes.ts';
import { type Exit, readExit } from './exit-status.ts';
import type { Failure } from './failures.ts';
import { abortOf, firstOf } from './first-of.ts';
import type { InstanceContext } from './instance-context.ts';
import { InstanceHealth } from './instance-health.ts';
import { type InstancePaths, type InstanceRecord, instancePaths, saveRecord } from './instance-record.ts';
import { tailExcerpt } from './log-tail.ts';
import { INSTANCE_HOST } from './options.ts';
import { probe, readinessOf, type Surroundings } from './readiness.ts';
import { StartFailed, startInstance, surroundingsOf } from './start-instance.ts';

export type InstanceState = 'starting' | 'ready' | 'notReady' | 'retiring' | 'exited';

/** A slot for starting is given on after this long, so that a slow starter does not hold up the others. */
const START_SLOT_MS = 2_000;

/**
 * One process of one workload, from its start to its end.
 *
 *   starting ──first good probe──▶ ready ⇄ notReady ──▶ retiring ──▶ exited
 *       └────────── end or start timeout ──────────────────────────▶ exited
 *
 * It knows nothing of its siblings: what it sees goes to its workload by `changed`, which decides. Whether
 * it can take traffic is instance-health's, its drain retire-instance's.
 */
export class Instance {
  readonly paths: InstancePaths;
  readonly wish: WorkloadWish;
  readonly #context: InstanceContext;
  readonly #clock: Clock;
  readonly #readiness: Readiness;
  /** Aborted when it has ended or the driver stops; probes and proofs also end when it retires. */
  readonly #life = new AbortController();
  readonly #service = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  /** Resolved when its start is over, whatever became of it. */
  readonly #started = Promise.withResolvers<void>();
  /** One write at a time, or an older record could come out on top. */
  readonly #save: () => Promise<void>;
  #record: InstanceRecord;
  #health: InstanceHealth | undefined;
  #surroundings: Promise<Surroundings> | undefined;
  #failure: Failure | null = null;
  #isTimedOut = false;
  #hasEnded = false;
  #isOver = false;

  constructor(context: InstanceContext, wish: WorkloadWish, record: InstanceRecord) {
    this.#context = context;
    this.#clock = context.clock;
    this.wish = wish;
    this.#record = record;
    this.#readiness = readinessOf(wish.spec);
    this.paths = instancePaths(context.instancesRoot, record.id);
    this.#save = coalesced(() => saveRecord(context.files, context.instancesRoot, this.#record));
    const stop = (): void => this.#letGo(context.signal.reason);
    context.signal.addEventListener('abort', stop, { once: true, signal: this.#life.signal });
  }

  get id(): string {
    return this.#record.id;
  }
  get record(): InstanceRecord {
    return this.#record;
  }
  /** `retiring` until the retirement is complete, also when the process is gone already. */
  get state(): InstanceState {
    if (this.#record.retiring !== null && !this.#isOver) return 'retiring';
    return this.#hasEnded ? 'exited' : (this.#health?.state ?? 'starting');
  }
  get hasEnded(): boolean {
    return this.#hasEnded;
  }
  get health(): InstanceHealth | undefined {
    return this.#health;
  }
  get proven(): boolean {
    return this.#health?.proven ?? false;
  }
  /** Why it ended or never started, when nobody asked for that. */
  get failure(): Failure | null {
    return this.#failure;
  }
  /** Resolves when its start is over: then it has a process, or never will. */
  get started(): Promise<void> {
    return this.#started.promise;
  }
  /** Resolves when the process is gone (or never was); never rejects. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }
  /** Nothing of it is left to do; why it ended is known. */
  get isOver(): boolean {
    return this.#isOver;
  }
  /** Resolves when nothing of it is left to do: ended, and where it was retired, that is complete. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Starts the process and follows it. The record is durable before. Never rejects. */
  async start(): Promise<void> {
    const release = await this.#context.starts.take();
    try {
      if (this.#context.signal.aborted) return;
      // Wanted no more before its turn came.
      if (this.#record.retiring !== null) return this.#end(null);
      const port = this.wish.spec.port === undefined ? null : await this.#context.ports.take();
      this.#record = { ...this.#record, port, startedAt: this.#clock.now() };
      const { surroundings, identity } = await startInstance(this.#context, this.wish, this.#record, () =>
        this.save({}),
      );
      this.#surroundings = Promise.resolve(surroundings);
      this.#noteIdentity(identity);
      const health = this.#follow(identity);
      this.#watch(health);
      this.#started.resolve();
      this.#context.changed(this);
      await firstOf(this.#clock, START_SLOT_MS, [health.firstReady, abortOf(this.#life.signal)]);
    } catch (error) {
      await this.#notStarted(error);
    } finally {
      this.#started.resolve();
      release();
    }
  }

  /** Takes over a process that a former driver started; `admitted` when it served as the table says. */
  adopt(identity: ProcessIdentity, admitted: boolean): void {
    this.#started.resolve();
    // One that retires is asked for its health no more, and must not be taken for a slow starter.
    if (this.#record.retiring !== null) this.#service.abort(new Error(`${this.id} retires`));
    const health = this.#follow(identity);
    if (admitted && this.#record.retiring === null) health.resume();
    this.#watch(health);
  }

  /** An end that is found out only now. */
  foundDead(): Promise<void> {
    this.#started.resolve();
    return this.#afterExit();
  }

  /** An end that a former driver noted: a migration that ran once. */
  wasEnded(): void {
    this.#started.resolve();
    const { ended } = this.#record;
    const failed = ended !== null && ended.code !== 0;
    this.#end(failed ? { ...this.#diagnose(ended), lines: null } : null);
  }

  /**
   * From now on it takes nothing new. Durable when it resolves, and never turns back. A start under way is
   * awaited, so that there is a process to end, or none.
   */
  async beginRetiring(): Promise<void> {
    this.#service.abort(new Error(`${this.id} retires`));
    if (this.#record.retiring === null) {
      this.#record = { ...this.#record, retiring: { startedAt: this.#clock.now(), termAt: null } };
    }
    await this.#started.promise;
    if (!this.#hasEnded) await this.save({});
  }

  /** Its retirement is complete. */
  retired(): void {
    this.#isOver = true;
    this.#over.resolve();
  }

  async save(change: Partial<InstanceRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    await this.#save();
  }

  /** Not waited for: until it is durable, the wrapper's own pid file says the same. */
  #noteIdentity(identity: ProcessIdentity): void {
    this.save({ identity }).catch((error: unknown) => {
      this.#context.log.warn('the process of an instance could not be noted', { instance: this.id, error });
    });
  }

  #follow(identity: ProcessIdentity): InstanceHealth {
    const { port } = this.#record;
    const { processes, network } = this.#context;
    processes.awaitExit(identity, this.#life.signal).then(
      () => this.#afterExit(),
      () => undefined, // The driver stops; the process goes on without us.
    );
    const target = { host: INSTANCE_HOST, port, surroundings: () => this.#resolve() };
    const health = new InstanceHealth({
      clock: this.#clock,
      readiness: this.#readiness,
      takesTraffic: this.wish.spec.type === 'service' && port !== null,
      // An adopted one that is not ready has its whole time again: nobody looked for a while.
      since: this.#clock.now(),
      signal: this.#service.signal,
      probe: () => probe(this.#readiness, target, { network, processes }),
      prove: () => this.#context.prove(this),
      tableInForce: () => this.#context.tableInForce(),
      isServing: () => this.#context.isServing(this.id),
      changed: () => this.#context.changed(this),
      startTimedOut: () => this.#giveUpStarting(identity),
    });
    this.#health = health;
    return health;
  }

  #watch(health: InstanceHealth): void {
    health.watch().catch((error: unknown) => {
      if (this.#service.signal.aborted) return;
      this.#context.log.error('probing an instance failed', { instance: this.id, error });
    });
  }

  /** As it was started; of an adopted instance as it would be started today. */
  #resolve(): Promise<Surroundings> {
    if (this.#surroundings === undefined) {
      const asked = surroundingsOf(this.#context, this.wish, this.#record);
      this.#surroundings = asked;
      asked.catch(() => {
        this.#surroundings = undefined;
      });
    }
    return this.#surroundings;
  }

  async #giveUpStarting(identity: ProcessIdentity): Promise<void> {
    this.#isTimedOut = true;
    await endFailedStart(this.#context, identity, this.ended);
  }

  async #afterExit(): Promise<void> {
    // Out of the table at once; why it ended can wait.
    this.#hasEnded = true;
    this.#letGo(new Error(`${this.id} has ended`));
    this.#context.changed(this);
    const [exit, lines] = await Promise.all([readExit(this.paths.exit), tailExcerpt(this.paths.log, 5)]);
    await endRest(this.#context, this.#record, durationMs(this.wish.spec.drain.grace)).catch(
      (error: unknown) => {
        this.#context.log.error('children of an instance could not be ended', { instance: this.id, error });
      },
    );
    await this.#note(exit);
    const isDone = this.wish.spec.type === 'migration' && exit.code === 0;
    const isExpected = this.#record.retiring !== null || isDone;
    this.#end(isExpected ? null : { ...this.#diagnose(exit), lines });
  }

  #diagnose(exit: Exit): Omit<Failure, 'lines'> {
    const probe = this.#health?.lastProbe ?? null;
    const lastProbe =
      probe === null ? null : { outcome: probe.outcome, sinceMs: this.#clock.monotonic() - probe.since };
    return diagnose(exit, {
      id: this.id,
      spec: this.wish.spec,
      ageMs: (this.#record.ended?.at ?? this.#clock.now()) - this.#record.startedAt,
      startTimedOut: this.#isTimedOut ? { after: this.#readiness.startTimeout, lastProbe } : null,
    });
  }

  async #notStarted(error: unknown): Promise<void> {
    const failure: Omit<Failure, 'lines'> =
      error instanceof StartFailed
        ? error.failure
        : { reason: 'outOfResources', message: messageOf(error), permanent: false };
    const { port } = this.#record;
    if (port !== null) this.#context.ports.release(port);
    this.#record = { ...this.#record, port: null };
    this.#end({ ...failure, lines: null });
    // There is no process and no log: nothing to keep. What stays is removed by the next driver.
    await rm(this.paths.directory, { recursive: true, force: true }).catch((cause: unknown) => {
      this.#context.log.warn('a directory could not be removed', { instance: this.id, error: cause });
    });
  }

  #end(failure: Failure | null): void {
    this.#failure = failure;
    this.#hasEnded = true;
    this.#letGo(new Error(`${this.id} has ended`));
    this.#ended.resolve();
    if (this.#record.retiring === null) this.retired();
    this.#context.changed(this);
  }

  #letGo(reason: unknown): void {
    this.#life.abort(reason);
    this.#service.abort(reason);
  }

  async #note(exit: Exit): Promise<void> {
    await this.save({ ended: { at: this.#clock.now(), ...exit } }).catch((error: unknown) => {
      // Without this note the next driver finds the same end by itself.
      this.#context.log.warn('the end of an instance could not be noted', { instance: this.id, error });
    });
  }
}
