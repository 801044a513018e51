import type { Execution, ExecutionStatus } from '../api/execution.ts';
import type { Stored } from '../api/meta.ts';
import type { Release } from '../api/release.ts';
import { type Clock, instant } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Store } from '../store/store.ts';
import type { AgentConnection } from './agent-connection.ts';
import { DispatchIndex, hasEnded, keyOf, refOf, subjectOf } from './dispatch-index.ts';
import { cancelKey, type DispatchAction, type ExecutionView, planDispatch } from './dispatch-plan.ts';
import type { AgentFrame } from './protocol.ts';
import type { Standings } from './standings.ts';
import { type ExecutionRef, isFinalPhase, type StatusWriter } from './status-writer.ts';

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
  readonly standings: Pick<Standings, 'forget'>;
  connectionOf(cluster: string): AgentConnection | undefined;
  connections(): Iterable<AgentConnection>;
}

/**
 * Knows the executions of this version that matter, tells agents what to do, and brings their answers to
 * the writer. Level-triggered: after every change of store or connection the plan is made again, so nothing
 * depends on having seen an event.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #index: DispatchIndex;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#index = new DispatchIndex(options.version);
  }

  releasesListed(releases: readonly Stored<Release>[]): void {
    this.#index.setReleases(releases);
    for (const connection of this.#options.connections()) this.#forget(connection);
  }

  releaseChanged(release: Stored<Release>): void {
    const before = this.#index.putRelease(release);
    if (hasEnded(release) && (before === undefined || !hasEnded(before))) this.#forgetRelease(release);
    if (before?.status?.epoch !== release.status?.epoch) {
      for (const cluster of release.spec.clusters) this.dispatch(cluster);
    }
  }

  releaseDeleted(release: Stored<Release>): void {
    this.#index.deleteRelease(release);
    this.#forgetRelease(release);
  }

  executionsListed(executions: readonly Stored<Execution>[]): void {
    this.#index.setExecutions(executions);
    for (const cluster of new Set(executions.map(({ spec }) => spec.cluster))) this.dispatch(cluster);
  }

  executionChanged(execution: Stored<Execution>): void {
    this.#index.putExecution(execution);
    this.dispatch(execution.spec.cluster);
  }

  executionDeleted(execution: Stored<Execution>): void {
    this.#index.deleteExecution(execution);
    for (const { sent } of this.#options.connections()) sent.delete(execution.metadata.uid);
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
    const unfinished = this.#index.unfinished(cluster).map(viewOf);
    for (const action of planDispatch(unfinished, (subject) => this.#index.epochOf(subject), connection)) {
      this.#carryOut(action, connection);
    }
  }

  heard(connection: AgentConnection, frame: AgentFrame): void {
    const { writer, clock } = this.#options;
    switch (frame.type) {
      case 'accepted':
        writer.change(frameRef(frame), (status) =>
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
        writer.change(frameRef(frame), (status) =>
          this.#ended(status, 'Refused', 'refused', `the agent refused: ${frame.reason}`),
        );
        return;
      case 'report':
        if (isFinalPhase(frame.status.phase)) this.#forgetStanding(`${frame.namespace}/${frame.execution}`);
        writer.report(frameRef(frame), frame, (number) => {
          const { execution, namespace } = frame;
          // To whoever is there now: the connection that brought it may be gone.
          const now = this.#options.connectionOf(connection.hello?.cluster ?? '');
          void now?.send({ type: 'reported', execution, namespace, number });
        });
        return;
      case 'traffic': {
        const newest = this.#index.newest(frame.subject, connection.hello?.cluster ?? '');
        if (newest !== undefined) writer.traffic(refOf(newest), frame.totals);
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
        const execution = this.#index.execution(action.key);
        if (execution === undefined) return;
        connection.sent.add(execution.metadata.uid);
        this.#forgetStanding(action.key);
        connection.forgetNamesake(action.key, execution.metadata.uid, execution.spec.subject);
        void this.#order(execution, connection);
        return;
      }
      case 'withdraw':
      case 'lost': {
        const execution = this.#index.execution(action.key);
        if (execution === undefined) return;
        const [phase, reason] =
          action.type === 'lost' ? ['Failed', 'unknownOutcome'] : ['Cancelled', 'superseded'];
        this.#options.writer.change(refOf(execution), (status) =>
          this.#ended(status, phase as ExecutionStatus['phase'], reason as string, action.reason),
        );
      }
    }
  }

  /**
   * The release is read once more: what it has committed and the watch has not brought yet must stop the
   * order (INV-20).
   */
  async #order(execution: Stored<Execution>, connection: AgentConnection): Promise<void> {
    const { store, clock, log, signal } = this.#options;
    const { name, namespace = '', uid } = execution.metadata;
    const { spec } = execution;
    try {
      const release =
        spec.release === null
          ? undefined
          : await store.get<Release>({ kind: 'Release', namespace, name: spec.release });
      // The answer may be older than what the watch has brought while it was on its way.
      const newest = Math.max(release?.status?.epoch ?? spec.epoch, this.#index.epochOf(spec.subject));
      if (newest <= spec.epoch) {
        await connection.send({ type: 'order', execution: name, namespace, uid, spec });
        return;
      }
      connection.sent.delete(uid);
      if (release !== undefined && release.status?.epoch === newest) this.releaseChanged(release);
      else this.dispatch(spec.cluster);
    } catch (error) {
      log.warn('an order cannot be sent just now', { execution: name, error });
      connection.sent.delete(uid);
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

  /** What stands where an order acts is not what stood before it. */
  #forgetStanding(key: string): void {
    const execution = this.#index.execution(key);
    if (execution === undefined) return;
    const { cluster, application, environment } = execution.spec;
    const { namespace = '' } = execution.metadata;
    this.#options.standings.forget(cluster, { namespace, application, environment });
  }

  #forgetRelease(release: Stored<Release>): void {
    for (const cluster of release.spec.clusters) {
      void this.#options.connectionOf(cluster)?.forget(subjectOf(release));
    }
  }

  /** Of what it holds, the releases that have ended or are no more. */
  #forget(connection: AgentConnection): void {
    if (!this.#index.releasesKnown) return;
    const subjects = new Set<string>();
    for (const { namespace, execution, final } of connection.hello?.holds ?? []) {
      const name = EXECUTION_NAME.exec(execution)?.[1];
      if (!final || name === undefined) continue;
      if (this.#index.execution(`${namespace}/${execution}`) !== undefined) continue;
      const release = this.#index.release(namespace, name);
      if (release === undefined || hasEnded(release)) subjects.add(`release/${namespace}/${name}`);
    }
    for (const subject of subjects) void connection.forget(subject);
  }
}

const frameRef = (frame: { execution: string; namespace: string }): ExecutionRef => ({
  namespace: frame.namespace,
  name: frame.execution,
});

function viewOf(execution: Stored<Execution>): ExecutionView {
  const { spec, status } = execution;
  return {
    key: keyOf(execution),
    uid: execution.metadata.uid,
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
