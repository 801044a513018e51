import type { ExecutionSpec } from '../api/execution.ts';
import type { TrafficTotals } from '../api/release.ts';
import { type Place, placeId } from '../api/standing.ts';
import type { AgentFrame, HeldExecution, ManagerFrame } from '../execution/protocol.ts';
import { instant } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { checkOrder } from './check-order.ts';
import type { AgentPorts } from './context.ts';
import { admit, type OrderIdentity, overtakes, type Position, raise } from './fence.ts';
import { HeldRun } from './held-run.ts';
import type { Journal } from './journal.ts';
import { type HeldRecord, isFinal, recordKey } from './journal-entries.ts';
import { Cancelled } from './run-execution.ts';
import { TrafficWatch } from './traffic-watch.ts';

type Order = Extract<ManagerFrame, { type: 'order' }>;

export interface DeskOptions {
  readonly journal: Journal;
  readonly ports: AgentPorts;
  readonly cluster: string;
  readonly version: string;
  /** False when there is no connection. */
  send(frame: AgentFrame): boolean;
  /** No order for this place runs any more that the manager does not know the end of. */
  ended(place: Place): void;
}

/**
 * What an agent holds: takes orders past the fence, runs them, reports until the manager has it. Frames are
 * handled one after the other, so that what a later one says is never overtaken by an earlier one's wait on
 * the disk.
 */
export class Desk {
  readonly #options: DeskOptions;
  readonly #stop = new AbortController();
  readonly #runs = new Map<string, HeldRun>();
  readonly #watch: TrafficWatch;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: DeskOptions) {
    this.#options = options;
    const { journal, ports } = options;
    this.#watch = new TrafficWatch({
      trafficRouter: ports.trafficRouter,
      clock: ports.clock,
      log: ports.log,
      baselineOf: (subject) => journal.state.baselines.get(subject),
      saveBaseline: (subject, totals) =>
        journal.writeUntilDurable({ t: 'baseline', subject, totals }, this.#stop.signal),
      failuresRose: (subject, totals) => this.#failuresRose(subject, totals),
    });
  }

  /** Takes up what the journal holds, once, before the first connection. */
  resume(): void {
    for (const [key, record] of this.#options.journal.state.records) {
      const run = this.#runOf(key);
      const counted = this.#options.journal.state.baselines.has(record.spec.subject);
      if (counted || !isFinal(record.status)) {
        this.#background(this.#watch.watch(record.namespace, record.spec));
      }
      if (isFinal(record.status)) {
        if (!record.acknowledged) run.owe();
        continue;
      }
      run.start(this.#isFencedOff(record) ? new Cancelled('a newer epoch was taken') : undefined);
    }
  }

  /** Only after all that was heard has been journalled: an order half taken would be held and not be told. */
  async holds(): Promise<HeldExecution[]> {
    await this.#turn;
    return [...this.#options.journal.state.records.values()].map((record) => ({
      execution: record.execution,
      namespace: record.namespace,
      uid: record.uid,
      epoch: record.spec.epoch,
      sequence: record.spec.sequence,
      final: isFinal(record.status),
    }));
  }

  /** Orders that are held, by place: null while one of them is not over. */
  holdings(): Map<string, string | null> {
    const holdings = new Map<string, string | null>();
    for (const [key, { namespace, spec, status }] of this.#options.journal.state.records) {
      const id = placeId(placeOf(namespace, spec));
      const known = holdings.get(id);
      holdings.set(id, known === null || !isFinal(status) ? null : `${known ?? ''} ${key}`);
    }
    return holdings;
  }

  /** After the hello: what the manager may not have. */
  resend(): void {
    for (const run of this.#runs.values()) run.resend();
  }

  order(order: Order): void {
    this.#inTurn(() => this.#take(order));
  }

  cancel(subject: string, belowEpoch: number): void {
    this.#inTurn(async () => {
      const { journal } = this.#options;
      const position = raise(journal.state.fences.get(subject), belowEpoch);
      if (position !== undefined) {
        await journal.writeUntilDurable({ t: 'fence', subject, position }, this.#stop.signal);
      }
      this.#background(this.#cancelOlder(subject, { epoch: belowEpoch, sequence: -1 }));
    });
  }

  reported(namespace: string, execution: string, number: number): void {
    this.#inTurn(async () => {
      const key = recordKey(namespace, execution);
      const record = this.#options.journal.state.records.get(key);
      const run = this.#runs.get(key);
      if (record === undefined || run === undefined || !run.acknowledged(number)) return;
      if (!isFinal(record.status)) return;
      this.#options.ended(placeOf(record.namespace, record.spec));
      if (record.acknowledged) return;
      await this.#options.journal.writeUntilDurable({ t: 'acknowledged', key }, this.#stop.signal);
      this.#dropGone();
    });
  }

  forget(subject: string): void {
    this.#inTurn(async () => {
      this.#watch.forget(subject);
      await this.#options.journal.writeUntilDurable({ t: 'forget', subject }, this.#stop.signal);
      this.#dropGone();
    });
  }

  /** Runs end where they are; the journal has what a next start needs. */
  async stop(): Promise<void> {
    this.#watch.stop();
    this.#stop.abort(new Error('the agent stops'));
    await Promise.all([...this.#runs.values()].map((run) => run.stop()));
    await this.#turn;
    await this.#options.journal.settled();
  }

  async #take(order: Order): Promise<void> {
    const { journal, send, ports } = this.#options;
    const { execution, namespace, uid, spec } = order;
    const key = recordKey(namespace, execution);
    const identity = identityOf(order);
    const unfinished = [...journal.state.records.values()].filter(
      (record) => record.spec.subject === spec.subject && !isFinal(record.status),
    );
    const held = journal.state.records.get(key);
    const admission = admit(identity, {
      highest: journal.state.fences.get(spec.subject),
      held: held === undefined ? undefined : identityOf(held),
      unfinished: unfinished.map(identityOf),
    });
    if (admission.kind === 'repeat') {
      send({ type: 'accepted', execution, namespace, epoch: spec.epoch, sequence: spec.sequence });
      this.#runs.get(key)?.again();
      return;
    }
    const reason = admission.kind === 'refused' ? admission.reason : checkOrder(spec, this.#options);
    if (reason !== null) {
      ports.log.warn('order refused', { execution, namespace, reason });
      send({ type: 'refused', execution, namespace, reason });
      this.#options.ended(placeOf(namespace, spec));
      return;
    }
    const acceptedAt = instant(ports.clock.now());
    await journal.writeUntilDurable(
      { t: 'order', order: { execution, namespace, uid, spec, acceptedAt } },
      this.#stop.signal,
    );
    send({ type: 'accepted', execution, namespace, epoch: spec.epoch, sequence: spec.sequence });
    const run = this.#runOf(key);
    // Counted from before anything changes.
    await this.#watch.watch(namespace, spec);
    const older = this.#cancelOlder(spec.subject, spec);
    // Its stop is awaited before the newer one starts (INV-20), and nobody else's frames wait for it.
    this.#background(older.then(() => run.start()));
  }

  async #cancelOlder(subject: string, newer: Position): Promise<void> {
    const older = [...this.#options.journal.state.records].filter(
      ([, record]) =>
        record.spec.subject === subject && !isFinal(record.status) && overtakes(newer, identityOf(record)),
    );
    const reason = new Cancelled(`epoch ${newer.epoch} of ${subject} was taken`);
    await Promise.all(older.map(([key]) => this.#runOf(key).cancel(reason)));
  }

  #isFencedOff({ spec }: HeldRecord): boolean {
    return (this.#options.journal.state.fences.get(spec.subject)?.epoch ?? spec.epoch) > spec.epoch;
  }

  #runOf(key: string): HeldRun {
    const known = this.#runs.get(key);
    if (known !== undefined) return known;
    const { journal, ports, send } = this.#options;
    const run = new HeldRun({ key, journal, ports, send, watch: this.#watch, stop: this.#stop.signal });
    this.#runs.set(key, run);
    return run;
  }

  #failuresRose(subject: string, totals: TrafficTotals): void {
    this.#options.send({ type: 'traffic', subject, totals });
  }

  #dropGone(): void {
    for (const [key, run] of this.#runs) {
      if (this.#options.journal.state.records.has(key)) continue;
      this.#runs.delete(key);
      this.#background(run.stop());
    }
  }

  #inTurn(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work).catch((error: unknown) => this.#unexpected(error));
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => this.#unexpected(error));
  }

  #unexpected(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#options.ports.log.error('the agent could not handle what it was told', {
      error: messageOf(error),
    });
  }
}

const placeOf = (namespace: string, { application, environment }: ExecutionSpec): Place => ({
  namespace,
  application,
  environment,
});

const identityOf = ({ execution, uid, spec }: Pick<Order, 'execution' | 'uid' | 'spec'>): OrderIdentity => ({
  execution,
  uid,
  subject: spec.subject,
  epoch: spec.epoch,
  sequence: spec.sequence,
  asksOnly: spec.instructions.every(({ type }) => type === 'runGate'),
});
