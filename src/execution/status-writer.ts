import type { Execution, ExecutionStatus, GateRun, GateRunStatus } from '../api/execution.ts';
import type { Stored } from '../api/meta.ts';
import type { TrafficTotals } from '../api/release.ts';
import type { Clock } from '../lib/clock.ts';
import { isSlipwayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Store } from '../store/store.ts';

/** Words are written at most this often; states at once. */
const PROGRESS_MS = 1_000;
const RETRY_MS = 200;

export interface StatusReport {
  readonly number: number;
  readonly status: ExecutionStatus;
  readonly gateRuns: Readonly<Record<string, GateRunStatus>>;
}

interface Pending {
  report: StatusReport | null;
  traffic: TrafficTotals | null;
  /** Set by the dispatcher: an end that no agent reported. */
  ending: ((status: ExecutionStatus) => ExecutionStatus) | null;
  acknowledge: (number: number) => void;
}

interface Slot {
  pending: Pending | null;
  writing: boolean;
  timer: Disposable | null;
  writtenAt: number;
  shape: string;
}

export interface StatusWriterOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly signal: AbortSignal;
}

export interface ExecutionRef {
  readonly namespace: string;
  readonly name: string;
}

const FINAL: ReadonlySet<string> = new Set(['Succeeded', 'Failed', 'Cancelled', 'Refused']);
export const isFinalPhase = (phase: string | undefined): boolean => phase !== undefined && FINAL.has(phase);

/**
 * Brings reports into the store: one write at a time per execution, the newest wins, words throttled, and
 * the acknowledgement only after the store has it (INV-13). A final state is never written over, and an
 * older report never over a newer one.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #slots = new Map<string, Slot>();
  readonly #writes = new Set<Promise<void>>();

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  report(ref: ExecutionRef, report: StatusReport, acknowledge: (number: number) => void): void {
    this.#merge(ref, (pending) => {
      if (pending.report === null || pending.report.number < report.number) pending.report = report;
      pending.acknowledge = acknowledge;
    });
  }

  traffic(ref: ExecutionRef, totals: TrafficTotals): void {
    this.#merge(ref, (pending) => {
      pending.traffic = totals;
    });
  }

  /** A change that comes from the manager itself: accepted, refused, withdrawn. */
  change(ref: ExecutionRef, edit: (status: ExecutionStatus) => ExecutionStatus): void {
    this.#merge(ref, (pending) => {
      const earlier = pending.ending;
      pending.ending = earlier === null ? edit : (status) => edit(earlier(status));
    });
  }

  /** After the signal was aborted: resolves when no write is under way any more. */
  async stop(): Promise<void> {
    for (const slot of this.#slots.values()) slot.timer?.[Symbol.dispose]();
    this.#slots.clear();
    await Promise.all(this.#writes);
  }

  #merge(ref: ExecutionRef, edit: (pending: Pending) => void): void {
    const key = `${ref.namespace}/${ref.name}`;
    const slot: Slot = this.#slots.get(key) ?? {
      pending: null,
      writing: false,
      timer: null,
      writtenAt: Number.NEGATIVE_INFINITY,
      shape: '',
    };
    this.#slots.set(key, slot);
    slot.pending ??= { report: null, traffic: null, ending: null, acknowledge: () => {} };
    edit(slot.pending);
    this.#schedule(ref, key, slot);
  }

  #schedule(ref: ExecutionRef, key: string, slot: Slot): void {
    if (slot.writing || slot.pending === null) return;
    const { pending } = slot;
    const { clock } = this.#options;
    const words =
      pending.traffic === null &&
      pending.ending === null &&
      (pending.report === null || shapeOf(pending.report) === slot.shape);
    const waitMs = words ? slot.writtenAt + PROGRESS_MS - clock.monotonic() : 0;
    slot.timer?.[Symbol.dispose]();
    slot.timer = null;
    if (waitMs > 0) {
      slot.timer = clock.setTimer(waitMs, () => this.#begin(ref, key, slot));
      return;
    }
    this.#begin(ref, key, slot);
  }

  #begin(ref: ExecutionRef, key: string, slot: Slot): void {
    const { pending } = slot;
    if (pending === null || slot.writing) return;
    slot.pending = null;
    slot.writing = true;
    const write = this.#write(ref, pending).then((final) => {
      this.#writes.delete(write);
      slot.writing = false;
      slot.writtenAt = this.#options.clock.monotonic();
      if (pending.report !== null) slot.shape = shapeOf(pending.report);
      if (slot.pending !== null) this.#schedule(ref, key, slot);
      else if (final) this.#slots.delete(key);
    });
    this.#writes.add(write);
  }

  /** True when the execution has ended. */
  async #write(ref: ExecutionRef, pending: Pending): Promise<boolean> {
    const { signal, clock, log } = this.#options;
    for (;;) {
      if (signal.aborted) return true;
      try {
        // Gates first: who sees the execution's end finds their verdicts.
        for (const [name, status] of Object.entries(pending.report?.gateRuns ?? {})) {
          await this.#writeGateRun({ namespace: ref.namespace, name }, status);
        }
        const final = await this.#writeExecution(ref, pending);
        if (pending.report !== null) pending.acknowledge(pending.report.number);
        return final;
      } catch (error) {
        if (isSlipwayError(error, 'conflict')) continue;
        log.error('a report cannot be stored; the agent keeps it until it is', { ...ref, error });
        await clock.sleep(RETRY_MS, signal).catch(() => {
          // Stopped while waiting: the loop's first line ends it.
        });
      }
    }
  }

  async #writeExecution(ref: ExecutionRef, pending: Pending): Promise<boolean> {
    const { store, version } = this.#options;
    const stored = await store.get<Execution>({ kind: 'Execution', ...ref });
    // Deleted since: nobody waits for it.
    if (stored === undefined || stored.spec.slipwayVersion !== version) return true;
    const before = stored.status ?? pendingStatus(stored);
    const after = nextStatus(before, pending);
    if (after !== before) await store.updateStatus<Execution>({ ...stored, status: after });
    return isFinalPhase(after.phase);
  }

  async #writeGateRun(ref: ExecutionRef, status: GateRunStatus): Promise<void> {
    const { store } = this.#options;
    const stored = await store.get<GateRun>({ kind: 'GateRun', ...ref });
    // What a person or an earlier report decided stands.
    if (stored === undefined || stored.status?.state === 'done') return;
    if (JSON.stringify(stored.status) === JSON.stringify(status)) return;
    await store.updateStatus<GateRun>({ ...stored, status });
  }
}

/** The same object when nothing changes. */
function nextStatus(before: ExecutionStatus, pending: Pending): ExecutionStatus {
  let after = before;
  if (!isFinalPhase(before.phase)) {
    if (pending.ending !== null) after = pending.ending(after);
    const { report } = pending;
    const known = typeof before.report === 'number' ? before.report : 0;
    if (report !== null && report.number > known && !isFinalPhase(after.phase)) {
      after = { ...after, ...report.status, report: report.number };
    }
  }
  for (const totals of [before.traffic, pending.traffic]) {
    if (totals !== null && totals.requests > (after.traffic?.requests ?? -1))
      after = { ...after, traffic: totals };
    else if (totals !== null && totals.failed > (after.traffic?.failed ?? 0))
      after = { ...after, traffic: totals };
  }
  return after;
}

export const pendingStatus = (execution: Stored<Execution>): ExecutionStatus => ({
  phase: 'Pending',
  instructions: execution.spec.instructions.map(({ id }) => ({
    id,
    state: 'pending',
    startedAt: null,
    endedAt: null,
    message: '',
    evidence: {},
  })),
  failure: null,
  traffic: null,
  acceptedAt: null,
  endedAt: null,
});

/** What is a change of state and no change of words. */
const shapeOf = ({ status, gateRuns }: StatusReport): string =>
  JSON.stringify([
    status.phase,
    status.instructions.map(({ state }) => state),
    Object.entries(gateRuns).map(([name, run]) => [name, run.state]),
  ]);
