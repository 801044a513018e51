import type { Execution, ExecutionStatus } from '../api/execution.ts';
import type { Stored } from '../api/meta.ts';
import type { Release, ReleasePhase } from '../api/release.ts';
import { type Clock, instant } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Store } from '../store/store.ts';
import type { AgentConnection } from './agent-connection.ts';
import { cancelKey, type DispatchAction, type ExecutionView, planDispatch } from './dispatch-plan.ts';
import type { AgentFrame } from './protocol.ts';
import { type ExecutionRef, isFinalPhase, type StatusWriter } from './status-writer.ts';

const ENDED: ReadonlySet<ReleasePhase> = new Set([
  'Succeeded',
  'Aborted',
  'RolledBack',
  'Failed',
  'Superseded',
]);

/** Of a release, with one cluster or several (engine/release/input.ts). */
const EXECUTION_NAME = /^(.+)-e\d+-s\d+(?:-.+)?$/;
const RETRY_MS = 200;

export interface DispatcherOptions {
  readonly store: Store;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly writer: StatusWriter;
  connectionOf(cluster: string): AgentConnection | undefined;
  connections(): Iterable<AgentConnection>;
}

const keyOf = ({ metadata }: { metadata: { namespace?: string | undefined; name: string } }): string =>
  `${metadata.namespace ?? ''}/${metadata.name}`;

/**
 * Knows the executions of this version that matter, tells agents what to do, and brings their answers to
 * the writer. Level-triggered: after every change of store or connection the plan is made again, so nothing
 * depends on having seen an event.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #executions = new Map<string, Stored<Execution>>();
  readonly #releases = new Map<string, Stored<Release>>();
  #releasesKnown = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  releasesListed(releases: readonly Stored<Release>[]): void {
    this.#releases.clear();
    for (const release of releases) this.#releases.set(keyOf(release), release);
    this.#releasesKnown = true;
    this.#forgetEverywhere();
  }

  releaseChanged(release: Stored<Release>): void {
    const key = keyOf(release);
    const before = this.#releases.get(key);
    this.#releases.set(key, release);
    if (hasEnded(release) && (before === undefined || !hasEnded(before))) {
      this.#prune();
      for (const cluster of release.spec.clusters) {
        void this.#options.connectionOf(cluster)?.send({ type: 'forget', subject: subjectOf(release) });
      }
    }
    if (before?.status?.epoch !== release.status?.epoch) {
      for (const cluster of release.spec.clusters) this.dispatch(cluster);
    }
  }

  releaseDeleted(release: Stored<Release>): void {
    this.#releases.delete(keyOf(release));
    this.#prune();
    for (const cluster of release.spec.clusters) {
      void this.#options.connectionOf(cluster)?.send({ type: 'forget', subject: subjectOf(release) });
    }
  }

  executionsListed(executions: readonly Stored<Execution>[]): void {
    this.#executions.clear();
    for (const execution of executions) this.#keep(execution);
    for (const cluster of new Set(executions.map(({ spec }) => spec.cluster))) this.dispatch(cluster);
  }

  executionChanged(execution: Stored<Execution>): void {
    this.#keep(execution);
    this.dispatch(execution.spec.cluster);
  }

  executionDeleted(execution: Stored<Execution>): void {
    this.#executions.delete(keyOf(execution));
  }

  /** The agent said hello: what it holds is known, what ended meanwhile may be forgotten. */
  connected(connection: AgentConnection): void {
    this.dispatch(connection.hello?.cluster ?? '');
    this.#forget(connection);
  }

  /** Tells the cluster's agent what the plan says now. */
  dispatch(cluster: string): void {
    const connection = this.#options.connectionOf(cluster);
    if (connection === undefined || connection.hello?.version !== this.#options.version) return;
    const mine = [...this.#executions.values()].filter(({ spec }) => spec.cluster === cluster);
    const unfinished = mine.filter(({ status }) => !isFinalPhase(status?.phase)).map(viewOf);
    for (const action of planDispatch(unfinished, (subject) => this.#epochOf(subject), connection)) {
      this.#carryOut(action, connection);
    }
  }

  heard(connection: AgentConnection, frame: AgentFrame): void {
    const { writer, clock } = this.#options;
    switch (frame.type) {
      case 'accepted':
        writer.change(refOf(frame), (status) =>
          status.phase === 'Pending'
            ? { ...status, phase: 'Accepted', acceptedAt: instant(clock.now()) }
            : status,
        );
        return;
      case 'refused':
        this.#options.log.warn('an agent refused an order', {
          execution: frame.execution,
          reason: frame.reason,
        });
        writer.change(refOf(frame), (status) =>
          this.#ended(status, 'Refused', 'refused', `the agent refused: ${frame.reason}`),
        );
        return;
      case 'report':
        writer.report(refOf(frame), frame, (number) => {
          const { execution, namespace } = frame;
          // To whoever is there now: the connection that brought it may be gone.
          const now = this.#options.connectionOf(connection.hello?.cluster ?? '');
          void now?.send({ type: 'reported', execution, namespace, number });
        });
        return;
      case 'traffic': {
        const newest = this.#newestOf(frame.subject, connection.hello?.cluster ?? '');
        if (newest !== undefined) writer.traffic(refOfObject(newest), frame.totals);
        return;
      }
      default:
        // hello, data and pong are the connection's own.
        return;
    }
  }

  #carryOut(action: DispatchAction, connection: AgentConnection): void {
    switch (action.type) {
      case 'cancel':
        connection.cancelled.add(cancelKey(action.subject, action.belowEpoch));
        void connection.send({ type: 'cancel', subject: action.subject, belowEpoch: action.belowEpoch });
        return;
      case 'order': {
        const execution = this.#executions.get(action.key);
        if (execution === undefined) return;
        connection.sent.add(action.key);
        void this.#order(action.key, execution, connection);
        return;
      }
      case 'withdraw':
      case 'lost': {
        const execution = this.#executions.get(action.key);
        if (execution === undefined) return;
        const [phase, reason] =
          action.type === 'lost' ? ['Failed', 'unknownOutcome'] : ['Cancelled', 'superseded'];
        this.#options.writer.change(refOfObject(execution), (status) =>
          this.#ended(status, phase as ExecutionStatus['phase'], reason as string, action.reason),
        );
      }
    }
  }

  /**
   * The release is read once more: what it has committed and the watch has not brought yet must stop the
   * order (INV-20).
   */
  async #order(key: string, execution: Stored<Execution>, connection: AgentConnection): Promise<void> {
    const { store, clock, log, signal } = this.#options;
    const { name, namespace = '', uid } = execution.metadata;
    const { spec } = execution;
    try {
      const release =
        spec.release === null
          ? undefined
          : await store.get<Release>({ kind: 'Release', namespace, name: spec.release });
      if ((release?.status?.epoch ?? spec.epoch) <= spec.epoch) {
        await connection.send({ type: 'order', execution: name, namespace, uid, spec });
        return;
      }
      connection.sent.delete(key);
      if (release !== undefined) this.releaseChanged(release);
    } catch (error) {
      log.warn('an order cannot be sent just now', { execution: name, error });
      connection.sent.delete(key);
      await clock.sleep(RETRY_MS, signal).catch(() => {
        // Stopped while waiting: there is no connection left to dispatch to.
      });
      this.dispatch(spec.cluster);
    }
  }

  #ended(
    status: ExecutionStatus,
    phase: ExecutionStatus['phase'],
    reason: string,
    message: string,
  ): ExecutionStatus {
    return {
      ...status,
      phase,
      endedAt: instant(this.#options.clock.now()),
      instructions: status.instructions.map((instruction) =>
        instruction.state === 'pending'
          ? { ...instruction, state: 'cancelled' }
          : instruction.state === 'running'
            ? { ...instruction, state: phase === 'Failed' ? 'unknown' : 'cancelled' }
            : instruction,
      ),
      failure:
        phase === 'Cancelled'
          ? status.failure
          : {
              reason,
              message: `${message}.`,
              affects: 'Nothing was changed by this order as far as is known.',
              next: 'slipway why',
              instruction: null,
            },
    };
  }

  /** Committed by the release itself, or by an execution that was made at it. */
  #epochOf(subject: string): number {
    let epoch = Number.NEGATIVE_INFINITY;
    for (const { spec } of this.#executions.values()) {
      if (spec.subject === subject) epoch = Math.max(epoch, spec.epoch);
    }
    const release = this.#releaseOf(subject);
    return Math.max(epoch, release?.status?.epoch ?? epoch);
  }

  #newestOf(subject: string, cluster: string): Stored<Execution> | undefined {
    return [...this.#executions.values()]
      .filter(({ spec }) => spec.subject === subject && spec.cluster === cluster)
      .sort((a, b) => b.spec.epoch - a.spec.epoch || b.spec.sequence - a.spec.sequence)[0];
  }

  #keep(execution: Stored<Execution>): void {
    if (execution.spec.slipwayVersion !== this.#options.version) return;
    this.#executions.set(keyOf(execution), execution);
    if (!this.#matters(execution)) this.#executions.delete(keyOf(execution));
  }

  /** Unfinished, or of a release under way: counts of traffic belong to its newest. */
  #matters({ spec, status }: Stored<Execution>): boolean {
    if (!isFinalPhase(status?.phase)) return true;
    const release = this.#releaseOf(spec.subject);
    return release !== undefined && !hasEnded(release);
  }

  #prune(): void {
    for (const [key, execution] of this.#executions) {
      if (!this.#matters(execution)) this.#executions.delete(key);
    }
  }

  #releaseOf(subject: string): Stored<Release> | undefined {
    const [kind, namespace, name] = subject.split('/');
    return kind === 'release' ? this.#releases.get(`${namespace}/${name}`) : undefined;
  }

  #forgetEverywhere(): void {
    this.#prune();
    for (const connection of this.#options.connections()) this.#forget(connection);
  }

  /** Of what it holds, the releases that have ended or are no more. */
  #forget(connection: AgentConnection): void {
    if (!this.#releasesKnown) return;
    const subjects = new Set<string>();
    for (const { namespace, execution, final } of connection.hello?.holds ?? []) {
      const name = EXECUTION_NAME.exec(execution)?.[1];
      if (!final || name === undefined || this.#executions.has(`${namespace}/${execution}`)) continue;
      const release = this.#releases.get(`${namespace}/${name}`);
      if (release === undefined || hasEnded(release)) subjects.add(`release/${namespace}/${name}`);
    }
    for (const subject of subjects) void connection.send({ type: 'forget', subject });
  }
}

const hasEnded = (release: Stored<Release>): boolean =>
  release.status !== undefined && ENDED.has(release.status.phase);

const subjectOf = ({ metadata }: Stored<Release>): string => `release/${metadata.namespace}/${metadata.name}`;

const refOf = (frame: { execution: string; namespace: string }): ExecutionRef => ({
  namespace: frame.namespace,
  name: frame.execution,
});

const refOfObject = ({ metadata }: Stored<Execution>): ExecutionRef => ({
  namespace: metadata.namespace ?? '',
  name: metadata.name,
});

function viewOf(execution: Stored<Execution>): ExecutionView {
  const { spec, status } = execution;
  return {
    key: keyOf(execution),
    subject: spec.subject,
    epoch: spec.epoch,
    sequence: spec.sequence,
    taken: status !== undefined && status.phase !== 'Pending',
    onceOnly: spec.instructions.some(
      (instruction) =>
        instruction.type === 'runJob' ||
        (instruction.type === 'runGate' && instruction.gate.command?.idempotent === false),
    ),
    asksOnly: spec.instructions.every(({ type }) => type === 'runGate'),
  };
}
