import { join } from 'node:path';
import type { ClusterDriver, TrafficRouter } from '../drivers/cluster-driver.ts';
import { type Resolve, systemResolve } from '../gates/address-guard.ts';
import { type Expressions, workerExpressions } from '../gates/expressions.ts';
import type { Clock } from '../lib/clock.ts';
import type { Files } from '../lib/files.ts';
import type { Log } from '../lib/log.ts';
import type { Network } from '../lib/network.ts';
import type { Processes } from '../lib/processes.ts';
import type { Random } from '../lib/random.ts';
import { Calls, type LogSource } from './calls.ts';
import { Connection, type Dial, webSocketDial } from './connection.ts';
import { Desk } from './desk.ts';
import { Journal } from './journal.ts';
import { artifactsOf } from './journal-entries.ts';
import { Lease } from './lease.ts';
import { StandingWatch } from './standing-watch.ts';

export interface AgentOptions {
  readonly managerUrl: string;
  /** PEM of the authority that the manager's certificate comes from. */
  readonly ca?: string | undefined;
  readonly token: string;
  /** Holds `journal.jsonl`. */
  readonly dataDirectory: string;
  readonly driver: ClusterDriver;
  readonly trafficRouter: TrafficRouter;
  readonly logs?: LogSource | undefined;
  readonly network: Network;
  readonly processes: Processes;
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly version: string;
  readonly cluster: string;
  /** Base URLs of the entry, `http://127.0.0.1:8480`: flips are probed at the first. */
  readonly entry?: readonly string[];
  /** Absent: a WebSocket to managerUrl. */
  readonly dial?: Dial;
  readonly expressions?: Expressions;
  readonly resolve?: Resolve;
}

export interface RunningAgent {
  /** Digests of artifacts that an order names which is held. */
  artifacts(): Set<string>;
  stop(): Promise<void>;
}

/**
 * The agent: beside the workloads, the only one with hands on them. It takes executions from the manager it
 * dials, journals each before it acts (INV-13), runs every instruction towards what must hold, and reports
 * until the manager has it. It decides nothing: what to do stands in the order, whether it may is the
 * fence's word, and without its manager it starts nothing new (INV-23).
 *
 * Rejects when the journal is corrupt or of another cluster.
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { driver, trafficRouter, network, processes, files, clock, random, log, version, cluster } = options;
  const entry = options.entry ?? [];
  await files.makeDirectory(options.dataDirectory, { mode: 0o700 });
  const path = join(options.dataDirectory, 'journal.jsonl');
  const journal = await Journal.open({ files, path, cluster, clock, log });
  const lease = new Lease(clock);
  const expressions = options.expressions ?? workerExpressions();
  const resolve = options.resolve ?? systemResolve;
  const desk: Desk = new Desk({
    journal,
    ports: { driver, trafficRouter, network, processes, expressions, resolve, clock, log, lease, entry },
    cluster,
    version,
    send: (frame) => connection.send(frame),
    ended: (place) => standing.ended(place),
  });
  const standing = new StandingWatch({
    ...{ driver, trafficRouter, clock, log },
    holdings: () => desk.holdings(),
    send: (frame) => connection.send(frame),
  });
  const calls = new Calls({
    driver,
    trafficRouter,
    logs: options.logs,
    send: (frame) => connection.sendSlowly(frame),
  });
  const connection: Connection = new Connection({
    dial: options.dial ?? webSocketDial(options),
    clock,
    random,
    log,
    lease,
    cluster,
    version,
    entry,
    holds: () => desk.holds(),
    connected: () => {
      desk.resend();
      standing.connected();
    },
    disconnected: () => {
      standing.disconnected();
      calls.hangUpAll();
    },
    frame: (frame) => {
      switch (frame.type) {
        case 'order':
          return desk.order(frame);
        case 'cancel':
          return desk.cancel(frame.subject, frame.belowEpoch);
        case 'reported':
          return desk.reported(frame.namespace, frame.execution, frame.number);
        case 'forget':
          return desk.forget(frame.subject);
        case 'call':
          return calls.begin(frame);
        case 'hangUp':
          return calls.hangUp(frame.id);
        default:
          // welcome, ping and error are the connection's own.
          return;
      }
    },
  });
  desk.resume();
  connection.start();
  return {
    artifacts: () => artifactsOf(journal.state),
    stop: async () => {
      standing.stop();
      await desk.stop();
      await connection.stop();
      await expressions.stop();
    },
  };
}
