import { type Application, DEFAULT_ENVIRONMENT } from '../api/application.ts';
import type { Cluster, Environment, Secret, Template } from '../api/environment.ts';
import type { Execution, GateRun } from '../api/execution.ts';
import type { ApiObject, Stored } from '../api/meta.ts';
import type { Command, Release } from '../api/release.ts';
import type { Track } from '../api/revision.ts';
import { type Place, placeId, type Standing } from '../api/standing.ts';
import { isAbsent } from '../engine/application/absent.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Planner } from '../server/dependencies.ts';
import type { Store } from '../store/store.ts';
import type { ControllerContext } from './context.ts';
import { reconcileDeletion } from './deletion.ts';
import { follow } from './follow.ts';
import { PendingCommands } from './pending-commands.ts';
import { createPlanner } from './planner.ts';
import { reconcileRelease } from './release-controller.ts';
import { Remembered } from './remembered.ts';
import { reconcileTrack } from './track-controller.ts';
import { WorkQueue } from './work-queue.ts';

export interface ControllersOptions {
  readonly store: Store;
  /** Which agents are connected, and what they say that stands. */
  readonly gateway: {
    clusters(): readonly { name: string; connected: boolean }[];
    standing(cluster: string, place: Place): Standing | undefined;
    onStanding(callback: (place: Place | null) => void): Disposable;
  };
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
}

export interface Controllers {
  readonly planner: Planner;
  stop(): Promise<void>;
}

/**
 * Starts every controller. Watches carry wake-ups only: each reconcile reads what it needs, so that an event
 * that is told twice, late or together with others changes nothing.
 */
export function startControllers(options: ControllersOptions): Controllers {
  const { store, clock, log, version } = options;
  const ending = new AbortController();
  const pending = new PendingCommands();
  const remembered = new Remembered();
  const context: ControllerContext = {
    store,
    clock,
    log,
    version,
    pending,
    remembered,
    standing: (cluster, place) => options.gateway.standing(cluster, place),
    connectedClusters: () =>
      options.gateway
        .clusters()
        .filter((c) => c.connected)
        .map((c) => c.name),
  };
  const queue = (name: string, reconcile: (parts: string[]) => Promise<{ wakeAt?: number | null }>) =>
    new WorkQueue({
      clock,
      log: log.child({ controller: name }),
      reconcile: (key) => reconcile(key.split('/')),
    });
  const releases = queue('release', ([namespace = '', name = '']) =>
    reconcileRelease(context, namespace, name),
  );
  const tracks = queue('track', ([namespace = '', application = '', environment = '']) =>
    reconcileTrack(context, { namespace, application, environment }),
  );
  const deletions = queue('deletion', async ([namespace = '', name = '']) => {
    await reconcileDeletion(context, namespace, name);
    return {};
  });
  const knownTracks = new Set<string>();
  const allTracks = (matches: (key: string) => boolean = () => true) => {
    for (const key of knownTracks) if (matches(key)) tracks.add(key);
  };
  /** Environments that applications release to by themselves, whether they are there or not. */
  const wishes = new Map<string, readonly string[]>();
  const allReleases = new Set<string>();
  /** What a track's decision reads of a release, as last told: words and counts concern it not. */
  const toldTracks = new Map<string, string>();

  const on = <T extends ApiObject>(
    kind: string,
    tell: (object: Stored<T>, type: 'ADDED' | 'MODIFIED' | 'DELETED') => void,
  ) => follow<T>(store, kind, { clock, log, signal: ending.signal }, tell);

  on<Command>('Command', (command, type) => {
    pending.tell(command, type);
    if (type === 'DELETED' || (command.status !== undefined && command.status.state !== 'pending')) return;
    const { target, environment } = command.spec;
    const { namespace = '' } = command.metadata;
    if (target.kind === 'Application')
      tracks.add(`${namespace}/${target.name}/${environment ?? DEFAULT_ENVIRONMENT}`);
    else {
      releases.add(`${namespace}/${target.name}`);
      allTracks(
        (key) => key.startsWith(`${namespace}/`) && target.name.startsWith(key.split('/').slice(1).join('-')),
      );
    }
  });
  on<Release>('Release', (release, type) => {
    const { namespace = '', name } = release.metadata;
    const key = `${namespace}/${name}`;
    if (type === 'DELETED' || release.status?.endedAt) allReleases.delete(key);
    else allReleases.add(key);
    if (type !== 'DELETED' || pending.for(namespace, 'Release', name).length > 0) releases.add(key);
    const { phase, direction, flipped } = release.status ?? {};
    const concerns = `${type === 'DELETED'} ${phase} ${direction} ${flipped}`;
    if (toldTracks.get(key) === concerns) return;
    toldTracks.set(key, concerns);
    if (type === 'DELETED') toldTracks.delete(key);
    tracks.add(`${namespace}/${release.spec.application}/${release.spec.environment}`);
  });
  on<Execution>('Execution', ({ metadata: { namespace = '' }, spec }) => {
    if (spec.release !== null) releases.add(`${namespace}/${spec.release}`);
    else tracks.add(`${namespace}/${spec.application}/${spec.environment}`);
  });
  on<GateRun>('GateRun', ({ metadata: { namespace = '' }, spec }) =>
    releases.add(`${namespace}/${spec.release}`),
  );
  on<Track>('Track', ({ metadata: { namespace = '' }, spec, status }, type) => {
    const key = `${namespace}/${spec.application}/${spec.environment}`;
    if (type === 'DELETED') knownTracks.delete(key);
    else knownTracks.add(key);
    // Who waits at its ended releases, or at one that it no longer claims, is told that nobody will decide.
    for (const name of pending.targets(namespace, 'Release')) releases.add(`${namespace}/${name}`);
    tracks.add(key);
    if (status?.active) releases.add(`${namespace}/${status.active.release}`);
    deletions.add(`${namespace}/${spec.application}`);
  });
  on<Application>('Application', ({ metadata: { namespace = '', name, deletionTimestamp }, spec }, type) => {
    const key = `${namespace}/${name}`;
    if (type === 'DELETED') {
      wishes.delete(key);
      remembered.forget((each) => each.includes(` ${key}/`));
      return;
    }
    const leaves = Object.keys(spec.environments ?? {}).some((each) => isAbsent(spec, each));
    if (deletionTimestamp !== undefined || leaves) deletions.add(key);
    // Changes go by themselves to the environments that the file names, and to the default one.
    const environments = [...new Set([DEFAULT_ENVIRONMENT, ...Object.keys(spec.environments ?? {})])];
    wishes.set(key, environments);
    for (const environment of environments) tracks.add(`${key}/${environment}`);
    allTracks((each) => each.startsWith(`${key}/`));
  });
  on<Environment>('Environment', ({ metadata: { namespace = '', name } }) => {
    for (const [key, environments] of wishes) {
      // It may have come after the application that names it.
      if (key.startsWith(`${namespace}/`) && environments.includes(name)) tracks.add(`${key}/${name}`);
    }
    allTracks((key) => key.startsWith(`${namespace}/`) && key.endsWith(`/${name}`));
  });
  on<Template>('Template', ({ metadata: { namespace = '' } }) =>
    allTracks((key) => key.startsWith(`${namespace}/`)),
  );
  on<Secret>('Secret', ({ metadata: { namespace = '' } }) =>
    allTracks((key) => key.startsWith(`${namespace}/`)),
  );
  on<Cluster>('Cluster', () => {
    for (const key of allReleases) releases.add(key);
  });

  const standing = options.gateway.onStanding((place) => {
    allTracks((key) => place === null || key === placeId(place));
  });

  return {
    planner: createPlanner({ store, clock, version }),
    async stop() {
      ending.abort();
      standing[Symbol.dispose]();
      await Promise.all([releases.stop(), tracks.stop(), deletions.stop()]);
    },
  };
}
