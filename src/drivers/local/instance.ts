import { rm } from 'node:fs/promises';
import { durationMs } from '../../api/duration.ts';
import type { Readiness } from '../../api/workload.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { WorkloadWish } from '../cluster-driver.ts';
import { proofDelayMs, startProbeDelayMs } from './backoff.ts';
import { type Exit, readExit } from './exit-status.ts';
import type { Failure } from './failures.ts';
import { firstOf } from './first-of.ts';
import type { InstanceContext } from './instance-context.ts';
import { type InstancePaths, type InstanceRecord, instancePaths, saveRecord } from './instance-record.ts';
import { tailLines } from './log-tail.ts';
import { INSTANCE_HOST } from './options.ts';
import { type ProbeOutcome, probe, readinessOf, type Surroundings } from './readiness.ts';
import { StartFailed, startInstance, surroundingsOf } from './start-instance.ts';

export type InstanceState = 'starting' | 'ready' | 'notReady' | 'retiring' | 'exited';

/** Time after SIGTERM for an instance that never came up: it serves nobody who would have to be let go. */
const FAILED_START_GRACE_MS = 2_000;
/** A slot for starting is given on after this long, so that a slow starter does not hold up the others. */
const START_SLOT_MS = 2_000;

/**
 * One process of one workload, from its start to its end.
 *
 *   starting ──first good probe──▶ ready ⇄ notReady ──▶ retiring ──▶ exited
 *       └────────── end or start timeout ──────────────────────────▶ exited
 *
 * It knows nothing of its siblings: what it sees (ready, proven, ended) goes to its workload by `changed`,
 * which decides. Retiring is retire-instance's.
 */
export class Instance {
  readonly paths: InstancePaths;
  readonly #context: InstanceContext;
  readonly #clock: Clock;
  readonly #readiness: Readiness;
  readonly #wish: WorkloadWish;
  /** Aborted when the instance has ended or the driver stops; loops end with it. */
  readonly #life = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  readonly #firstReady = Promise.withResolvers<void>();
  #record: InstanceRecord;
  #isOver = false;
  #state: InstanceState = 'starting';
  #surroundings: Promise<Surroundings> | undefined;
  #proven = false;
  #readySince: number | null = null;
  #lastReadyAt: number | null = null;
  #lastProbe: { at: number; outcome: ProbeOutcome } | null = null;
  #failedProbes = 0;
  #proofFailures = 0;
  #proofReason: string | null = null;
  #failure: Failure | null = null;
  #timedOut = false;

  constructor(context: InstanceContext, wish: WorkloadWish, record: InstanceRecord) {
    this.#context = context;
    this.#clock = context.clock;
    this.#wish = wish;
    this.#record = record;
    this.#readiness = readinessOf(wish.spec);
    this.paths = instancePaths(context.instancesRoot, record.id);
    context.signal.addEventListener('abort', () => this.#life.abort(context.signal.reason), { once: true });
  }

  get id(): string {
    return this.#record.id;
  }
  get record(): InstanceRecord {
    return this.#record;
  }
  get state(): InstanceState {
    return this.#state;
  }
  /** `retiring` until the retirement is complete, also when the process is gone already. */
  get shownState(): InstanceState {
    return this.#state === 'exited' && this.#record.retiring !== null && !this.#isOver
      ? 'retiring'
      : this.#state;
  }
  get wish(): WorkloadWish {
    return this.#wish;
  }
  /** Workers have nothing to prove: they count as soon as they are ready. */
  get proven(): boolean {
    return this.#proven || (this.#record.port === null && this.#state === 'ready');
  }
  get lastReadyAt(): number | null {
    return this.#lastReadyAt;
  }
  get lastProbe(): { at: number; outcome: ProbeOutcome } | null {
    return this.#lastProbe;
  }
  /** How long it has been ready without a break, in ms. */
  get readyForMs(): number {
    return this.#readySince === null ? 0 : this.#clock.monotonic() - this.#readySince;
  }
  /** Proofs that failed in a row, and what the last one saw. */
  get failedProofs(): { count: number; reason: string } | null {
    return this.#proofReason === null ? null : { count: this.#proofFailures, reason: this.#proofReason };
  }
  /** Why it ended or never started, when nobody asked for that. */
  get failure(): Failure | null {
    return this.#failure;
  }
  /** Resolves when the process is gone (or never was); never rejects. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Resolves when nothing of it is left to do: ended, and where it was retired, that is complete. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Its retirement is complete. */
  retired(): void {
    this.#isOver = true;
    this.#over.resolve();
  }

  /** Starts the process and follows it. The record is durable before. */
  async start(): Promise<void> {
    const release = await this.#context.starts.take();
    try {
      if (this.#context.signal.aborted) return;
      const port = this.#wish.spec.port === undefined ? null : await this.#context.ports.take();
      this.#record = { ...this.#record, port, startedAt: this.#clock.now() };
      const surroundings = await startInstance(this.#context, this.#wish, this.#record, (record) => {
        this.#record = record;
      });
      this.#surroundings = Promise.resolve(surroundings);
      this.#context.changed(this);
      this.#follow();
      await firstOf(this.#clock, START_SLOT_MS, [this.#firstReady.promise, this.#ended.promise]);
    } catch (error) {
      await this.#notStarted(error);
    } finally {
      release();
    }
  }

  /** Takes over a process that a former agent started; `admitted` when it served as the table says. */
  adopt(admitted: boolean): void {
    if (this.#record.retiring !== null) this.#state = 'retiring';
    else if (admitted) {
      // It served a moment ago: it stays until its probe says otherwise, or the restart would cost capacity.
      this.#becomeReady(true);
    }
    this.#follow();
  }

  /** An end that was found out only now. */
  async foundDead(): Promise<void> {
    await this.#afterExit();
  }

  /** The end of a process that was noted by a former agent: a migration that ran once. */
  wasEnded(): void {
    this.#state = 'exited';
    this.#life.abort(new Error(`${this.id} has ended`));
    this.#ended.resolve();
    this.retired();
  }

  /** From now on it takes nothing new. Durable when it resolves; never turns back. */
  async beginRetiring(): Promise<void> {
    this.#state = 'retiring';
    if (this.#record.retiring !== null) return;
    await this.save({ retiring: { startedAt: this.#clock.now(), termAt: null } });
  }

  async save(change: Partial<InstanceRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    await saveRecord(this.#context.files, this.#context.instancesRoot, this.#record);
  }

  /** Asks the readiness probe now, for whoever must not decide on an old answer. */
  async probeNow(): Promise<void> {
    if (!this.#life.signal.aborted) await this.#probeOnce();
  }

  #follow(): void {
    const { identity } = this.#record;
    if (identity === null) throw new Error(`${this.id} has no process to follow`);
    this.#context.processes.awaitExit(identity, this.#life.signal).then(
      () => this.#afterExit(),
      () => undefined, // The driver stops; the process goes on without us.
    );
    this.#watchReadiness().catch((error: unknown) => {
      if (!this.#life.signal.aborted) this.#context.log.error('probing failed', { instance: this.id, error });
    });
  }

  async #watchReadiness(): Promise<void> {
    const { signal } = this.#life;
    const intervalMs = durationMs(this.#readiness.interval);
    const deadlineMs = durationMs(this.#readiness.startTimeout);
    while (!signal.aborted) {
      const age = this.#clock.now() - this.#record.startedAt;
      if (this.#state === 'starting' && age > deadlineMs) return await this.#giveUpStarting(deadlineMs);
      const delay = this.#state === 'starting' ? startProbeDelayMs(age, intervalMs) : intervalMs;
      await this.#clock.sleep(delay, signal);
      if (this.#state === 'retiring' || this.#state === 'exited') return;
      await this.#probeOnce();
    }
  }

  async #probeOnce(): Promise<void> {
    const target = { host: INSTANCE_HOST, port: this.#record.port, surroundings: () => this.#resolve() };
    const outcome = await probe(this.#readiness, target, this.#context);
    this.#lastProbe = { at: this.#clock.monotonic(), outcome };
    if (this.#life.signal.aborted || this.#state === 'retiring' || this.#state === 'exited') return;
    if (outcome.ok) {
      this.#failedProbes = 0;
      this.#lastReadyAt = this.#clock.now();
      // Where it was out of the table it proves itself anew; where it was kept as the least bad it goes on.
      if (this.#state !== 'ready') this.#becomeReady(this.#proven && this.#context.isServing(this.id));
    } else if (!outcome.ours) {
      this.#failedProbes += 1;
      if (this.#state === 'ready' && this.#failedProbes >= this.#readiness.failureThreshold)
        this.#loseReadiness();
    }
  }

  #becomeReady(isProven: boolean): void {
    this.#state = 'ready';
    this.#lastReadyAt = this.#clock.now();
    this.#readySince = this.#clock.monotonic();
    this.#firstReady.resolve();
    this.#proven = isProven;
    this.#context.changed(this);
    if (!this.#proven && this.#record.port !== null) {
      this.#prove().catch((error: unknown) => {
        if (!this.#life.signal.aborted)
          this.#context.log.error('proving failed', { instance: this.id, error });
      });
    }
  }

  #loseReadiness(): void {
    this.#state = 'notReady';
    this.#readySince = null;
    this.#context.changed(this);
  }

  async #prove(): Promise<void> {
    const since = this.#readySince;
    const isCurrent = (): boolean => this.#state === 'ready' && this.#readySince === since;
    this.#proofFailures = 0;
    // The preview entry must be in force, or the router knows nobody by this name.
    await this.#context.tableInForce();
    while (isCurrent() && !this.#life.signal.aborted) {
      const verdict = await this.#context.prove(this);
      if (!isCurrent()) return;
      if (verdict.ok) {
        this.#proven = true;
        this.#proofReason = null;
        this.#context.changed(this);
        return;
      }
      this.#proofFailures += 1;
      this.#proofReason = verdict.reason;
      this.#context.changed(this);
      await this.#clock.sleep(proofDelayMs(this.#proofFailures), this.#life.signal);
    }
  }

  /** As it was started; of an adopted instance as it would be started today. */
  #resolve(): Promise<Surroundings> {
    if (this.#surroundings === undefined) {
      const asked = surroundingsOf(this.#context, this.#wish, this.#record);
      this.#surroundings = asked;
      asked.catch(() => {
        this.#surroundings = undefined;
      });
    }
    return this.#surroundings;
  }

  async #giveUpStarting(deadlineMs: number): Promise<void> {
    this.#timedOut = true;
    const { identity } = this.#record;
    if (identity === null) return;
    await this.#context.processes.signalGroup(identity, 'SIGTERM');
    await firstOf(this.#clock, FAILED_START_GRACE_MS, [this.#ended.promise]);
    if (this.#state === 'exited') return;
    this.#context.log.info('killing an instance that did not get ready', { instance: this.id, deadlineMs });
    await this.#context.processes.signalGroup(identity, 'SIGKILL');
  }

  async #afterExit(): Promise<void> {
    // Out of the table at once; why it ended can wait.
    this.#state = 'exited';
    this.#life.abort(new Error(`${this.id} has ended`));
    this.#context.changed(this);
    const [{ how, code }, lines] = await Promise.all([
      readExit(this.paths.exit),
      tailLines(this.paths.log, 5),
    ]);
    await this.#killRest();
    const expected = this.#record.retiring !== null || this.#wish.spec.type === 'migration';
    await this.#note({ how, code });
    this.#end(expected ? null : { ...this.#diagnose(how, code), lines });
  }

  #diagnose(how: string, code: number | null): Omit<Failure, 'lines'> {
    if (this.#timedOut) {
      const { startTimeout } = this.#readiness;
      const seen = this.#lastProbe?.outcome.message ?? 'none was made';
      const hint =
        this.#wish.spec.port === undefined
          ? ''
          : `; it must listen on the port in ${this.#wish.spec.port.env}`;
      return {
        reason: 'startTimeout',
        message: `${this.id} was not ready ${startTimeout} after its start (last probe: ${seen}${hint})`,
        permanent: false,
      };
    }
    const ageMs = this.#clock.now() - this.#record.startedAt;
    const when = `${(ageMs / 1_000).toFixed(1)} s after its start`;
    if (code === 126 || code === 127) {
      const command = this.#wish.spec.command[0];
      return {
        reason: 'cannotStart',
        message: `"${command}" could not be executed (code ${code})`,
        permanent: false,
      };
    }
    return { reason: 'crashLoop', message: `${this.id} ${how} ${when}`, permanent: true };
  }

  /** Children that the application left behind: nobody follows them any more. */
  async #killRest(): Promise<void> {
    const { identity, retiring } = this.#record;
    if (identity === null) return;
    const graceMs = retiring === null ? 0 : durationMs(this.#wish.spec.drain.grace);
    const deadline = this.#clock.monotonic() + graceMs;
    while (this.#clock.monotonic() < deadline && (await this.#context.processes.isGroupAlive(identity))) {
      await this.#clock.sleep(50);
    }
    await this.#context.processes.signalGroup(identity, 'SIGKILL');
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
    // There is no process and no log: nothing to keep.
    await rm(this.paths.directory, { recursive: true, force: true });
  }

  #end(failure: Failure | null): void {
    this.#failure = failure;
    this.#state = 'exited';
    this.#life.abort(new Error(`${this.id} has ended`));
    this.#ended.resolve();
    if (this.#record.retiring === null) this.retired();
    this.#context.changed(this);
  }

  async #note(exit: Exit): Promise<void> {
    await this.save({ ended: { at: this.#clock.now(), ...exit } }).catch((error: unknown) => {
      // Without this note the next agent finds the same end by itself.
      this.#context.log.warn('the end of an instance could not be noted', { instance: this.id, error });
    });
  }
}
