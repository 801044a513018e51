import type { ExecutionStatus, GateRunStatus } from '../api/execution.ts';
import type { AgentFrame } from '../execution/protocol.ts';
import { anySignal } from '../lib/any-signal.ts';
import { instant } from '../lib/clock.ts';
import { InvariantViolation, messageOf } from '../lib/errors.ts';
import type { AgentPorts } from './context.ts';
import type { Journal } from './journal.ts';
import { type HeldRecord, isFinal } from './journal-entries.ts';
import { Reporter } from './reporter.ts';
import { type Cancelled, runExecution } from './run-execution.ts';
import type { TrafficWatch } from './traffic-watch.ts';

/** Numbers of reports that may be used up before the journal must say so again. */
const NUMBER_BLOCK = 1_000;

export interface HeldRunOptions {
  readonly key: string;
  readonly journal: Journal;
  readonly ports: AgentPorts;
  readonly watch: TrafficWatch;
  readonly stop: AbortSignal;
  send(frame: AgentFrame): boolean;
}

/** One held execution: its run, its latest words, and what the manager has of it. */
export class HeldRun {
  readonly #options: HeldRunOptions;
  readonly #cancel = new AbortController();
  readonly #reporter: Reporter;
  #running: Promise<void> | null = null;
  #status: ExecutionStatus;
  #gateRuns: Readonly<Record<string, GateRunStatus>>;
  /** The newest that the journal has, or is about to have: what is told may be older. */
  #journalled: {
    readonly status: ExecutionStatus;
    readonly gateRuns: Readonly<Record<string, GateRunStatus>>;
  };
  #number: number;
  #upTo: number;
  #renewing = false;
  readonly #subject: string;

  constructor(options: HeldRunOptions) {
    this.#options = options;
    const record = this.#record;
    this.#subject = record.spec.subject;
    this.#status = record.status;
    this.#gateRuns = record.gateRuns;
    this.#journalled = { status: record.status, gateRuns: record.gateRuns };
    // Above all that was ever reported: numbers below `upTo` may have been, also by a journal that is lost.
    this.#number = Math.max(record.upTo, options.ports.clock.now());
    this.#upTo = this.#number;
    this.#reporter = new Reporter({
      clock: options.ports.clock,
      execution: record.execution,
      namespace: record.namespace,
      nextNumber: () => {
        this.#number += 1;
        return this.#number;
      },
      isFinal: () => isFinal(this.#status),
      current: () => ({
        status: { ...this.#status, traffic: this.#traffic() },
        gateRuns: this.#gateRuns,
      }),
      send: options.send,
    });
  }

  /** Begins or goes on. With a reason it only stops what a former start may have left running. */
  start(cancelled?: Cancelled): void {
    if (this.#running !== null || isFinal(this.#status)) return;
    if (cancelled !== undefined) this.#cancel.abort(cancelled);
    this.#running = this.#run();
  }

  /** Resolves when it has stopped and its end is durable. */
  async cancel(reason: Cancelled): Promise<void> {
    this.#cancel.abort(reason);
    this.start();
    await this.#running;
  }

  /** The manager asked again: it may not have what was reported. */
  again(): void {
    this.#reporter.now();
  }

  owe(): void {
    this.#reporter.owe();
  }

  resend(): void {
    this.#reporter.resend();
  }

  acknowledged(number: number): boolean {
    return this.#reporter.acknowledged(number);
  }

  /** Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#reporter.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { journal, ports, stop, key } = this.#options;
    const record = this.#record;
    using over = anySignal([this.#cancel.signal, stop]);
    try {
      await runExecution(
        record,
        ports,
        {
          save: async (status, gateRuns) => {
            if (isFinal(status)) await this.#options.watch.refresh(this.#subject);
            const withTraffic = { ...status, traffic: this.#traffic() };
            await this.#write(withTraffic, gateRuns);
            this.#status = withTraffic;
            this.#gateRuns = gateRuns;
            this.#reporter.now();
          },
          progress: (status, gateRuns) => {
            this.#status = status;
            this.#gateRuns = gateRuns;
            if (this.#number < this.#upTo) this.#reporter.soon();
            else this.#renewNumbers();
          },
          counted: () => this.#options.watch.counted(this.#subject),
          note: (instruction, note) => journal.writeUntilDurable({ t: 'note', key, instruction, note }, stop),
        },
        over.signal,
      );
    } catch (error) {
      // The agent stops: the next start goes on from the journal.
      if (stop.aborted) return;
      ports.log.error('an execution ended unexpectedly', { execution: record.execution, error });
      await this.#fail(error);
    }
  }

  /** A fault of this program: said as such, so that whoever waits for the execution goes on (INV-28). */
  async #fail(error: unknown): Promise<void> {
    const { ports, stop } = this.#options;
    const status: ExecutionStatus = {
      ...this.#status,
      phase: 'Failed',
      endedAt: instant(ports.clock.now()),
      failure: {
        reason: 'internal',
        message: `The agent failed at this order: ${messageOf(error)}.`,
        affects: 'What was done so far stands; traffic is as it was last written.',
        next: 'look into the log of the agent',
        instruction: null,
      },
    };
    try {
      await this.#write(status, this.#gateRuns);
    } catch (cause) {
      if (stop.aborted) return;
      throw cause;
    }
    this.#status = status;
    this.#reporter.now();
  }

  /** A long wait used up its numbers: words go on when the journal has given more. */
  #renewNumbers(): void {
    if (this.#renewing) return;
    this.#renewing = true;
    const { status, gateRuns } = this.#journalled;
    this.#write(status, gateRuns)
      .catch((error: unknown) => {
        if (!this.#options.stop.aborted) this.#options.ports.log.error('no numbers for reports', { error });
      })
      .finally(() => {
        this.#renewing = false;
      });
  }

  async #write(status: ExecutionStatus, gateRuns: Readonly<Record<string, GateRunStatus>>): Promise<void> {
    const { journal, key, stop } = this.#options;
    const upTo = this.#number + NUMBER_BLOCK;
    this.#journalled = { status, gateRuns };
    await journal.writeUntilDurable({ t: 'state', key, status, gateRuns, upTo }, stop);
    this.#upTo = upTo;
  }

  #traffic(): ExecutionStatus['traffic'] {
    return this.#options.watch.totals(this.#subject) ?? this.#status.traffic;
  }

  get #record(): HeldRecord {
    const record = this.#options.journal.state.records.get(this.#options.key);
    if (record === undefined)
      throw new InvariantViolation('INV-13', `${this.#options.key} is not journalled`);
    return record;
  }
}
