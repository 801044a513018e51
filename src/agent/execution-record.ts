import type { ExecutionSpec, ExecutionStatus, GateRunStatus, InstructionStatus } from '../api/execution.ts';
import type { Instruction } from '../api/plan.ts';
import { InvariantViolation } from '../lib/errors.ts';
import type { Failure } from './context.ts';
import type { ProberEvidence } from './prober.ts';

export interface Recorded {
  readonly status: ExecutionStatus;
  readonly gateRuns: Readonly<Record<string, GateRunStatus>>;
}

const isResult = (state: InstructionStatus['state']): boolean => state !== 'pending' && state !== 'running';

/** How far one execution has come: its status and gate runs as they will be saved next. */
export class ExecutionRecord {
  readonly #spec: ExecutionSpec;
  #status: ExecutionStatus;
  #gateRuns: Readonly<Record<string, GateRunStatus>>;
  #durable: Recorded;

  constructor(
    spec: ExecutionSpec,
    status: ExecutionStatus,
    gateRuns: Readonly<Record<string, GateRunStatus>>,
  ) {
    this.#spec = spec;
    this.#status = status;
    this.#gateRuns = gateRuns;
    this.#durable = { status, gateRuns };
  }

  get status(): ExecutionStatus {
    return this.#status;
  }
  get gateRuns(): Readonly<Record<string, GateRunStatus>> {
    return this.#gateRuns;
  }
  get isFinished(): boolean {
    return this.#status.instructions.every(({ state }) => state === 'done');
  }

  /** What was saved is durable. */
  saved(recorded: Recorded): void {
    this.#durable = recorded;
  }

  /** What may be told: words as they are, and results only as far as they are durable (INV-13). */
  get told(): Recorded {
    const { status, gateRuns } = this.#durable;
    const known = new Map(status.instructions.map(({ id, state }) => [id, state]));
    return {
      status: {
        ...this.#status,
        failure: status.failure,
        instructions: this.#status.instructions.map((each) =>
          isResult(each.state) && known.get(each.id) !== each.state
            ? { ...each, state: 'running', endedAt: null }
            : each,
        ),
      },
      gateRuns: Object.fromEntries(
        Object.entries(this.#gateRuns).map(([name, run]) => [
          name,
          run.state === 'done' && gateRuns[name]?.state !== 'done'
            ? { ...run, state: 'running', verdict: null, endedAt: null }
            : run,
        ]),
      ),
    };
  }

  of(id: string): InstructionStatus {
    const found = this.#status.instructions.find((status) => status.id === id);
    if (found === undefined) throw new InvariantViolation('INV-19', `no instruction ${id}`);
    return found;
  }

  set(id: string, edit: Partial<InstructionStatus>): void {
    this.#status = {
      ...this.#status,
      instructions: this.#status.instructions.map((status) =>
        status.id === id ? { ...status, ...edit } : status,
      ),
    };
  }

  /** Adds to what was seen of an instruction. */
  addEvidence(id: string, evidence: InstructionStatus['evidence'] | undefined): void {
    this.set(id, { evidence: { ...this.of(id).evidence, ...evidence } });
  }

  setGateRun(name: string, status: GateRunStatus): void {
    this.#gateRuns = { ...this.#gateRuns, [name]: status };
  }

  /** Instructions that may begin: all that they need is done, and they are not `active` already. */
  ready(active: ReadonlyMap<string, unknown>): Instruction[] {
    const done = new Set(
      this.#status.instructions.filter(({ state }) => state === 'done').map(({ id }) => id),
    );
    return this.#spec.instructions.filter((instruction) => {
      const { state } = this.of(instruction.id);
      const open = state === 'pending' || (state === 'running' && !active.has(instruction.id));
      return open && instruction.needs.every((need) => done.has(need));
    });
  }

  /** @param at RFC 3339 */
  begin(instructions: readonly Instruction[], at: string): void {
    for (const { id } of instructions) {
      this.set(id, { state: 'running', startedAt: this.of(id).startedAt ?? at });
    }
    this.#status = { ...this.#status, phase: 'Running' };
  }

  /** The first failure is the cause; what fails while the others stop follows from it. */
  fail(instruction: string, cause: Failure): void {
    if (this.#status.failure !== null) return;
    this.#status = { ...this.#status, failure: { ...cause, instruction } };
  }

  /** Closes everything that is still open. */
  end(endedAt: string): void {
    for (const { id, state } of this.#status.instructions) {
      if (state === 'running') this.set(id, { state: 'cancelled', endedAt, message: 'stopped' });
      else if (state === 'pending') this.set(id, { state: 'cancelled', message: 'not begun' });
    }
    const failed = this.#status.failure !== null;
    this.#status = {
      ...this.#status,
      phase: failed ? 'Failed' : this.isFinished ? 'Succeeded' : 'Cancelled',
      endedAt,
    };
  }

  /** Counts of a prober belong to the latest flip of that workload; one instruction may flip several times. */
  countFlip(workload: string, evidence: ProberEvidence): void {
    const flips = this.#spec.instructions.filter(
      (instruction) =>
        (instruction.type === 'setTraffic' || instruction.type === 'rollWorkload') &&
        instruction.workload === workload &&
        this.of(instruction.id).startedAt !== null,
    );
    const flip = flips.at(-1);
    if (flip === undefined) return;
    const before = this.of(flip.id).evidence.prober as ProberEvidence | undefined;
    this.addEvidence(flip.id, { prober: before === undefined ? evidence : together(before, evidence) });
  }
}

function together(before: ProberEvidence, after: ProberEvidence): ProberEvidence {
  const failures = { ...before.failures };
  for (const [cause, n] of Object.entries(after.failures)) failures[cause] = (failures[cause] ?? 0) + n;
  return {
    ...after,
    total: before.total + after.total,
    failed: before.failed + after.failed,
    failures,
    unfinished: before.unfinished + after.unfinished,
    since: before.since,
  };
}
