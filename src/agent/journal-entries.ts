import type { ExecutionSpec, ExecutionStatus, GateRunStatus } from '../api/execution.ts';
import type { ServiceTotals } from '../drivers/cluster-driver.ts';
import type { Position } from './fence.ts';

/** What the agent remembers across its own death. One entry is one line of the journal. */
export type JournalEntry =
  | { readonly t: 'journal'; readonly format: 1; readonly cluster: string }
  | { readonly t: 'order'; readonly order: HeldOrder }
  /** State of an execution. Reports are numbered below `upTo` until the next entry. */
  | {
      readonly t: 'state';
      readonly key: string;
      readonly status: ExecutionStatus;
      readonly gateRuns: Readonly<Record<string, GateRunStatus>>;
      readonly upTo: number;
    }
  /** What an instruction must know after a crash: an intent or an outcome that cannot be observed. */
  | { readonly t: 'note'; readonly key: string; readonly instruction: string; readonly note: unknown }
  | { readonly t: 'fence'; readonly subject: string; readonly position: Position }
  /** The manager has the final report. */
  | { readonly t: 'acknowledged'; readonly key: string }
  /** Counts of the subject's services before its first execution. */
  | {
      readonly t: 'baseline';
      readonly subject: string;
      readonly totals: Readonly<Record<string, ServiceTotals>>;
    }
  | { readonly t: 'forget'; readonly subject: string };

export interface HeldOrder {
  readonly execution: string;
  readonly namespace: string;
  readonly uid: string;
  readonly spec: ExecutionSpec;
  readonly acceptedAt: string;
}

export interface HeldRecord extends HeldOrder {
  readonly status: ExecutionStatus;
  readonly gateRuns: Readonly<Record<string, GateRunStatus>>;
  readonly notes: Readonly<Record<string, unknown>>;
  readonly upTo: number;
  readonly acknowledged: boolean;
}

export interface JournalState {
  readonly records: Map<string, HeldRecord>;
  readonly fences: Map<string, Position>;
  readonly baselines: Map<string, Readonly<Record<string, ServiceTotals>>>;
}

/** Fences of subjects that are over are kept for this many, since an order could be very late. */
const KEPT_FENCES = 10_000;

export const recordKey = (namespace: string, execution: string): string => `${namespace}/${execution}`;

export const FINAL_PHASES: ReadonlySet<ExecutionStatus['phase']> = new Set([
  'Succeeded',
  'Failed',
  'Cancelled',
  'Refused',
]);
export const isFinal = (status: ExecutionStatus): boolean => FINAL_PHASES.has(status.phase);

export const emptyState = (): JournalState => ({
  records: new Map(),
  fences: new Map(),
  baselines: new Map(),
});

/** The state of an execution that has been taken and not begun. */
export function acceptedStatus(spec: ExecutionSpec, acceptedAt: string): ExecutionStatus {
  return {
    phase: 'Accepted',
    instructions: spec.instructions.map(({ id }) => ({
      id,
      state: 'pending' as const,
      startedAt: null,
      endedAt: null,
      message: '',
      evidence: {},
    })),
    failure: null,
    traffic: null,
    acceptedAt,
    endedAt: null,
  };
}

/** Changes the state as one entry says. Throws for an entry that names what is not there: a corrupt journal. */
export function applyEntry(state: JournalState, entry: JournalEntry): void {
  switch (entry.t) {
    case 'journal':
      return;
    case 'order': {
      const { order } = entry;
      const { epoch, sequence, subject } = order.spec;
      state.records.set(recordKey(order.namespace, order.execution), {
        ...order,
        status: acceptedStatus(order.spec, order.acceptedAt),
        gateRuns: {},
        notes: {},
        upTo: 0,
        acknowledged: false,
      });
      // The order of a Map is its age: what was used last is dropped last.
      state.fences.delete(subject);
      state.fences.set(subject, { epoch, sequence });
      return;
    }
    case 'state':
      change(state, entry.key, ({ status: _s, gateRuns: _g, upTo: _u, ...kept }) => ({
        ...kept,
        status: entry.status,
        gateRuns: entry.gateRuns,
        upTo: entry.upTo,
      }));
      return;
    case 'note':
      change(state, entry.key, (record) => ({
        ...record,
        notes: { ...record.notes, [entry.instruction]: entry.note },
      }));
      return;
    case 'fence':
      state.fences.delete(entry.subject);
      state.fences.set(entry.subject, entry.position);
      return;
    case 'acknowledged':
      change(state, entry.key, (record) => ({ ...record, acknowledged: true }));
      dropOlder(state, entry.key);
      return;
    case 'baseline':
      state.baselines.set(entry.subject, entry.totals);
      return;
    case 'forget':
      state.baselines.delete(entry.subject);
      for (const [key, record] of state.records) {
        if (record.spec.subject === entry.subject && record.acknowledged) state.records.delete(key);
      }
      for (const subject of state.fences.keys()) {
        if (state.fences.size <= KEPT_FENCES) break;
        if (!subjectIsHeld(state, subject)) state.fences.delete(subject);
      }
      return;
    default:
      throw new TypeError(`unknown entry ${JSON.stringify((entry as { t: unknown }).t)}`);
  }
}

/** Digests of artifacts that an order names, which may be run, repeated or turned back. */
export function artifactsOf(state: JournalState): Set<string> {
  const specs = [...state.records.values()].flatMap(({ spec }) => [spec.from, spec.to]);
  return new Set(specs.flatMap((one) => one?.spec.workloads.flatMap(({ artifact }) => artifact ?? []) ?? []));
}

/** Entries that make this state from nothing: what a compacted journal holds. */
export function entriesOf(state: JournalState, cluster: string): JournalEntry[] {
  const entries: JournalEntry[] = [{ t: 'journal', format: 1, cluster }];
  for (const [key, record] of state.records) {
    const { status, gateRuns, notes, upTo, acknowledged, ...order } = record;
    entries.push({ t: 'order', order }, { t: 'state', key, status, gateRuns, upTo });
    for (const [instruction, note] of Object.entries(notes))
      entries.push({ t: 'note', key, instruction, note });
    if (acknowledged) entries.push({ t: 'acknowledged', key });
  }
  for (const [subject, position] of state.fences) entries.push({ t: 'fence', subject, position });
  for (const [subject, totals] of state.baselines) entries.push({ t: 'baseline', subject, totals });
  return entries;
}

function change(state: JournalState, key: string, edit: (record: HeldRecord) => HeldRecord): void {
  const record = state.records.get(key);
  if (record === undefined) throw new TypeError(`entry for ${key}, which no order made`);
  state.records.set(key, edit(record));
}

/** Of a subject, acknowledged executions older than the newest serve nothing any more. */
function dropOlder(state: JournalState, key: string): void {
  const subject = state.records.get(key)?.spec.subject;
  const acknowledged = [...state.records].filter(
    ([, record]) => record.spec.subject === subject && record.acknowledged,
  );
  for (const [older] of acknowledged.slice(0, -1)) state.records.delete(older);
}

const subjectIsHeld = (state: JournalState, subject: string): boolean =>
  [...state.records.values()].some((record) => record.spec.subject === subject);
