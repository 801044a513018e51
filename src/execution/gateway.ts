import type { WebSocket } from 'ws';
import type { Cluster } from '../api/environment.ts';
import type { Execution } from '../api/execution.ts';
import type { Release } from '../api/release.ts';
import type { Place, Standing } from '../api/standing.ts';
import type { Clock } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Store } from '../store/store.ts';
import { AgentConnection } from './agent-connection.ts';
import { Dispatcher } from './dispatcher.ts';
import { follow } from './follow.ts';
import { CLOSE, type Link, type LinkEvents, socketLink } from './link.ts';
import { PresenceWriter } from './presence.ts';
import type { CallMethod } from './protocol.ts';
import { Standings } from './standings.ts';
import { StatusWriter } from './status-writer.ts';

/** Who connects, as the server authenticated it. */
export interface AgentIdentity {
  /** The one cluster that the token speaks for; absent: any. */
  readonly cluster?: string;
}

export interface ClusterConnection {
  readonly name: string;
  readonly version: string;
  readonly connected: boolean;
  /** RFC 3339. */
  readonly lastSeen: string;
  /** Base URLs of the entry, as the agent says. */
  readonly entry: readonly string[];
}

export interface AgentGateway {
  /** Takes over an upgraded socket on `/agent/v1/connect`. */
  attach(socket: WebSocket, identity: AgentIdentity): void;
  /** As `attach`, for links that are no sockets (the simulator). */
  attachLink(open: (events: LinkEvents) => Link, identity: AgentIdentity): void;
  /**
   * Answers of a cluster's agent, one after the other. Throws SlipwayErrors: `unavailable` where it is not
   * connected or leaves, `timeout` where it does not answer. Ends quietly when the signal is aborted.
   */
  call(
    cluster: string,
    method: CallMethod,
    params: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): AsyncIterable<unknown>;
  clusters(): readonly ClusterConnection[];
  /** What stands of a place in a cluster, as its agent last said; undefined where that is not known. */
  standing(cluster: string, place: Place): Standing | undefined;
  /** Every place of which a connected cluster has something. */
  standings(cluster: string): readonly Standing[];
  /** Called when more is known of what stands at a place; null: at all of them. */
  onStanding(callback: (place: Place | null) => void): Disposable;
  /** Called with the cluster's name when its agent comes or goes. */
  onPresence(callback: (cluster: string) => void): Disposable;
  stop(): Promise<void>;
}

export interface GatewayOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** How long an agent may go on starting things without hearing from here. Default 15 s. */
  readonly leaseMs?: number;
}

/** The manager's side of executions: one connection per cluster, the newest hello wins. */
export function createGateway(options: GatewayOptions): AgentGateway {
  const { store, clock, log, version, leaseMs = 15_000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const connections = new Map<string, AgentConnection>();
  const pending = new Set<AgentConnection>();
  const known = new Map<string, ClusterConnection>();
  const listeners = new Set<(cluster: string) => void>();
  const standingListeners = new Set<(place: Place | null) => void>();
  const standings = new Standings((place) => {
    for (const listener of standingListeners) listener(place);
  });
  const presence = new PresenceWriter({ store, clock, log, signal });
  const writer = new StatusWriter({ store, clock, log, version, signal });
  const dispatcher = new Dispatcher({
    store,
    signal,
    clock,
    log,
    version,
    writer,
    standings,
    connectionOf: (cluster) => connections.get(cluster),
    connections: () => connections.values(),
  });

  const setPresence = (connection: AgentConnection, connected: boolean) => {
    const { hello, lastSeen } = connection;
    if (hello === null) return;
    const { cluster: name, address } = hello;
    known.set(name, { name, version: hello.version, connected, lastSeen, entry: address.entry });
    presence.set(name, { connected, version: hello.version, lastSeen });
    for (const listener of listeners) listener(name);
  };

  const greeted = (connection: AgentConnection) => {
    pending.delete(connection);
    const name = connection.hello?.cluster ?? '';
    const older = connections.get(name);
    connections.set(name, connection);
    standings.lost(name);
    older?.close(CLOSE.replaced, 'a newer connection of this cluster');
    log.info('agent connected', { cluster: name, version: connection.hello?.version });
    setPresence(connection, true);
    dispatcher.connected(connection);
  };

  const closed = (connection: AgentConnection, reason: string) => {
    pending.delete(connection);
    const name = connection.hello?.cluster ?? '';
    if (connections.get(name) !== connection) return;
    connections.delete(name);
    standings.lost(name);
    if (signal.aborted) return;
    log.warn('agent disconnected', { cluster: name, reason });
    setPresence(connection, false);
  };

  const releasesKnown = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => releasesKnown.resolve(), { once: true });
  const followed = Promise.all([
    follow<Release>({
      ...{ store, kind: 'Release', clock, log, signal },
      listed: (releases) => {
        dispatcher.releasesListed(releases);
        releasesKnown.resolve();
      },
      changed: (release) => dispatcher.releaseChanged(release),
      deleted: (release) => dispatcher.releaseDeleted(release),
    }),
    // Whether an execution may still be sent is its release's word, so releases come first.
    releasesKnown.promise.then(() =>
      follow<Execution>({
        ...{ store, kind: 'Execution', clock, log, signal },
        listed: (executions) => dispatcher.executionsListed(executions),
        changed: (execution) => dispatcher.executionChanged(execution),
        deleted: (execution) => dispatcher.executionDeleted(execution),
      }),
    ),
    follow<Cluster>({
      ...{ store, kind: 'Cluster', clock, log, signal },
      listed: (clusters) => {
        for (const cluster of clusters) presence.seen(cluster);
      },
      changed: (cluster) => presence.seen(cluster),
      deleted: () => {},
    }),
  ]);

  const stale = clock.setTimer(leaseMs, () => {
    presence
      .clearStale((cluster) => connections.has(cluster), version)
      .catch((error: unknown) => log.warn('clusters cannot be read', { error }));
  });

  const attachLink: AgentGateway['attachLink'] = (open, identity) => {
    const connection = new AgentConnection(
      {
        clock,
        log,
        version,
        leaseMs,
        cluster: identity.cluster,
        greeted,
        frame: (from, frame) => {
          // A connection that was replaced is not heard any more.
          const cluster = from.hello?.cluster ?? '';
          if (connections.get(cluster) !== from) return;
          if (frame.type === 'standing') standings.told(cluster, frame);
          else dispatcher.heard(from, frame);
        },
        closed,
      },
      open,
    );
    pending.add(connection);
  };

  return {
    attach: (socket, identity) => attachLink((events) => socketLink(socket, events), identity),
    attachLink,
    call: (cluster, method, params, callSignal) => {
      const connection = connections.get(cluster);
      if (connection === undefined) {
        throw new SlipwayError('unavailable', `the agent of cluster ${cluster} is not connected`, {
          next: 'slipway status',
        });
      }
      return connection.call(method, params, callSignal);
    },
    clusters: () =>
      [...known.values()].map((cluster) => ({
        ...cluster,
        lastSeen: connections.get(cluster.name)?.lastSeen ?? cluster.lastSeen,
      })),
    standing: (cluster, place) => standings.of(cluster, place),
    standings: (cluster) => standings.all(cluster),
    onStanding: (callback) => {
      standingListeners.add(callback);
      return { [Symbol.dispose]: () => standingListeners.delete(callback) };
    },
    onPresence: (callback) => {
      listeners.add(callback);
      return { [Symbol.dispose]: () => listeners.delete(callback) };
    },
    stop: async () => {
      stale[Symbol.dispose]();
      stopping.abort(new Error('the manager stops'));
      for (const connection of [...connections.values(), ...pending]) {
        connection.close(CLOSE.stopping, 'the manager stops');
      }
      await Promise.all([writer.stop(), followed]);
    },
  };
}
