import type { ExecutionStatus, GateRunStatus } from '../api/execution.ts';
import type { AgentFrame } from '../execution/protocol.ts';
import type { Clock } from '../lib/clock.ts';

/** Words change at most this often for the manager; states at once. */
const PROGRESS_MS = 1_000;
/** A final report that nobody acknowledges is said again after so long. */
const REPEAT_MS = 5_000;

export interface Report {
  readonly status: ExecutionStatus;
  readonly gateRuns: Readonly<Record<string, GateRunStatus>>;
}

export interface ReporterOptions {
  readonly clock: Clock;
  readonly execution: string;
  readonly namespace: string;
  /** The next number; rises over the whole life of the execution. */
  nextNumber(): number;
  isFinal(): boolean;
  /** What to report now, with fresh counts. */
  current(): Report;
  /** False when there is no connection: sent again by `resend` when there is one. */
  send(frame: AgentFrame): boolean;
}

/** Reports of one execution: newest state only, words throttled, the final one until it is acknowledged. */
export class Reporter {
  readonly #options: ReporterOptions;
  #timer: Disposable | null = null;
  #sentAt = Number.NEGATIVE_INFINITY;
  #owed = false;
  #sent = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** A state changed. */
  now(): void {
    this.#cancel();
    this.#send();
  }

  /** Words changed. */
  soon(): void {
    if (this.#timer !== null) return;
    const { clock } = this.#options;
    const waitMs = this.#sentAt + PROGRESS_MS - clock.monotonic();
    if (waitMs <= 0) {
      this.#send();
      return;
    }
    this.#timer = clock.setTimer(waitMs, () => {
      this.#timer = null;
      this.#send();
    });
  }

  /** After a reconnect: whatever the manager has not acknowledged. */
  resend(): void {
    if (this.#owed) this.now();
  }

  /** True when this acknowledges the newest report. */
  acknowledged(number: number): boolean {
    if (number < this.#sent) return false;
    this.#owed = false;
    if (this.#options.isFinal()) this.#cancel();
    return true;
  }

  owe(): void {
    this.#owed = true;
  }

  stop(): void {
    this.#cancel();
  }

  #send(): void {
    const { execution, namespace, clock } = this.#options;
    this.#owed = true;
    this.#sentAt = clock.monotonic();
    const number = this.#options.nextNumber();
    this.#sent = number;
    this.#options.send({ type: 'report', execution, namespace, number, ...this.#options.current() });
    if (!this.#options.isFinal()) return;
    this.#timer = clock.setTimer(REPEAT_MS, () => {
      this.#timer = null;
      this.resend();
    });
  }

  #cancel(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }
}
