import type { ExecutionSpec, ExecutionStatus, GateRunStatus } from '../api/execution.ts';
import type { Instruction } from '../api/plan.ts';
import type { TrafficTotals } from '../api/release.ts';
import { instant } from '../lib/clock.ts';
import { InvariantViolation, isSlipwayError, messageOf } from '../lib/errors.ts';
import type { AgentPorts, Failure, InstructionContext, InstructionOutcome } from './context.ts';
import { ExecutionRecord } from './execution-record.ts';
import { flipProbers } from './flip-probers.ts';
import { runInstruction } from './instructions/run-instruction.ts';
import { failure } from './words.ts';

/** What an execution hands out while it runs. */
export interface ExecutionSink {
  /** Durable when it resolves; a state changed. */
  save(status: ExecutionStatus, gateRuns: Readonly<Record<string, GateRunStatus>>): Promise<void>;
  /** Words changed. */
  progress(status: ExecutionStatus, gateRuns: Readonly<Record<string, GateRunStatus>>): void;
  note(instruction: string, note: unknown): Promise<void>;
  counted(): Promise<TrafficTotals | null>;
}

export interface ExecutionStart {
  readonly namespace: string;
  readonly execution: string;
  readonly spec: ExecutionSpec;
  readonly status: ExecutionStatus;
  readonly gateRuns: Readonly<Record<string, GateRunStatus>>;
  readonly notes: Readonly<Record<string, unknown>>;
}

/** Why an execution is ended from outside. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

const RETRY_MS = [50, 200, 500, 1_000];

/**
 * Runs the instructions of one execution, in parallel as their `needs` allow, each begun only while the
 * lease holds (INV-23) and after its state is durable (INV-13). Pending → Running → Succeeded; the first
 * failure stops the others and makes it Failed; a `Cancelled` reason makes it Cancelled after all have
 * stopped. Another reason of the signal (the agent stops) rejects and leaves the state for the next start.
 */
export async function runExecution(
  start: ExecutionStart,
  ports: AgentPorts,
  sink: ExecutionSink,
  signal: AbortSignal,
): Promise<void> {
  const run = new ExecutionRun(start, ports, sink, signal);
  await run.toEnd();
}

/** Null: worth another attempt. */
function whyHopeless(error: unknown, late: boolean): string | null {
  if (error instanceof InvariantViolation) return 'invariant';
  if (isSlipwayError(error, 'refused') || isSlipwayError(error, 'invalid')) return 'refused';
  return late ? 'unreachable' : null;
}

class ExecutionRun {
  readonly #start: ExecutionStart;
  readonly #ports: AgentPorts;
  readonly #sink: ExecutionSink;
  readonly #outer: AbortSignal;
  readonly #inner = new AbortController();
  readonly #active = new Map<string, Promise<void>>();
  readonly #probers: InstructionContext['probers'];
  readonly #notes: Record<string, unknown>;
  readonly #record: ExecutionRecord;
  /** An instruction ended since the last save. */
  #unsaved = false;

  constructor(start: ExecutionStart, ports: AgentPorts, sink: ExecutionSink, signal: AbortSignal) {
    this.#start = start;
    this.#ports = ports;
    this.#sink = sink;
    this.#outer = signal;
    this.#record = new ExecutionRecord(start.spec, start.status, start.gateRuns);
    this.#notes = { ...start.notes };
    const { network, clock, entry } = ports;
    this.#probers = flipProbers({
      network,
      clock,
      entry: entry[0],
      counted: (workload, evidence) => this.#record.countFlip(workload, evidence),
    });
  }

  async toEnd(): Promise<void> {
    const stop = () => this.#inner.abort(this.#outer.reason);
    if (this.#outer.aborted) stop();
    else this.#outer.addEventListener('abort', stop, { once: true });
    try {
      await this.#loop();
    } finally {
      this.#outer.removeEventListener('abort', stop);
      this.#inner.abort(new Cancelled('the execution is over'));
      await Promise.allSettled(this.#active.values());
      await this.#probers.stopAll();
    }
    await this.#end();
  }

  async #loop(): Promise<void> {
    // Failed before a restart, and only the end was not written.
    if (this.#record.status.failure !== null) return;
    while (!this.#inner.signal.aborted) {
      const ready = this.#record.ready(this.#active);
      // What ended is saved in one write with what follows it at once, and alone where nothing does.
      const alone = ready.length === 0 ? this.#active.size > 0 : !this.#ports.lease.holds;
      if (this.#unsaved && alone) {
        await this.#save();
        // What ran meanwhile may have ended, and something may follow it.
        continue;
      }
      if (ready.length > 0) {
        try {
          await this.#ports.lease.held(this.#inner.signal);
        } catch {
          // Cancelled while cut off.
          return;
        }
        await this.#begin(ready);
      }
      if (this.#active.size === 0) return;
      await Promise.race(this.#active.values());
    }
  }

  async #begin(instructions: readonly Instruction[]): Promise<void> {
    this.#record.begin(instructions, instant(this.#ports.clock.now()));
    await this.#save();
    for (const instruction of instructions) {
      const running = this.#one(instruction).finally(() => this.#active.delete(instruction.id));
      this.#active.set(instruction.id, running);
    }
  }

  async #one(instruction: Instruction): Promise<void> {
    let outcome: InstructionOutcome | 'cancelled';
    try {
      outcome = await this.#attempt(instruction);
    } catch (error) {
      if (!this.#inner.signal.aborted) throw error;
      outcome = 'cancelled';
    }
    const endedAt = instant(this.#ports.clock.now());
    if (outcome === 'cancelled') {
      // Left as it is: `#end` decides whether it is cancelled or goes on after a restart.
      return;
    }
    const { id } = instruction;
    if (outcome.state !== 'unknown') this.#record.addEvidence(id, outcome.evidence);
    const message = outcome.state === 'done' ? outcome.message : outcome.failure.message;
    this.#record.set(id, { state: outcome.state, endedAt, message });
    if (outcome.state !== 'done') this.#fail(id, outcome.failure);
    this.#unsaved = true;
  }

  /** Again while the cluster cannot be reached: every instruction says what must hold, not what to do. */
  async #attempt(instruction: Instruction): Promise<InstructionOutcome> {
    const context = this.#context(instruction);
    const { clock } = this.#ports;
    const began = clock.monotonic();
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await runInstruction(context(), instruction);
      } catch (error) {
        this.#inner.signal.throwIfAborted();
        const message = messageOf(error);
        const reason = whyHopeless(error, clock.monotonic() - began >= this.#start.spec.deadlineMs);
        if (reason !== null) return { state: 'failed', failure: await failure(context(), reason, message) };
        context().progress(`tried again: ${message}`);
        await clock.sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 1_000, this.#inner.signal);
      }
    }
  }

  #context(instruction: Instruction): () => InstructionContext {
    const { spec, namespace } = this.#start;
    const { id } = instruction;
    return () => ({
      ports: this.#ports,
      namespace,
      spec,
      fence: { subject: spec.subject, epoch: spec.epoch, sequence: spec.sequence },
      startedAt: this.#record.of(id).startedAt ?? instant(this.#ports.clock.now()),
      signal: this.#inner.signal,
      noted: this.#notes[id],
      note: async (note) => {
        await this.#sink.note(id, note);
        this.#notes[id] = note;
      },
      progress: (message, evidence) => {
        this.#record.set(id, { message });
        this.#record.addEvidence(id, evidence);
        this.#tell();
      },
      gateRun: (name, status) => {
        this.#record.setGateRun(name, status);
        this.#tell();
      },
      counted: () => this.#sink.counted(),
      probers: this.#probers,
    });
  }

  #fail(instruction: string, cause: Failure): void {
    this.#record.fail(instruction, cause);
    this.#inner.abort(new Cancelled(`${instruction} failed`));
  }

  async #end(): Promise<void> {
    const cancelled = this.#outer.aborted && this.#outer.reason instanceof Cancelled;
    const failed = this.#record.status.failure !== null;
    if (!cancelled && !failed && !this.#record.isFinished) {
      // The agent stops: what runs stays `running` and is taken up by the next start.
      this.#outer.throwIfAborted();
      throw new InvariantViolation(
        'INV-28',
        `${this.#start.execution} has instructions that nothing leads to`,
      );
    }
    this.#record.end(instant(this.#ports.clock.now()));
    await this.#save();
  }

  async #save(): Promise<void> {
    this.#unsaved = false;
    const { status, gateRuns } = this.#record;
    await this.#sink.save(status, gateRuns);
    this.#record.saved({ status, gateRuns });
  }

  #tell(): void {
    const { status, gateRuns } = this.#record.told;
    this.#sink.progress(status, gateRuns);
  }
}
