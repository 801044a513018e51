import { chmod } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Files } from '../../lib/files.ts';
import type { RouteTable } from '../../router/table.ts';
import type {
  ClusterDriver,
  ServiceKey,
  TrafficRouter,
  WorkloadKey,
  WorkloadObservation,
  WorkloadWish,
} from '../cluster-driver.ts';
import { adoptInstances } from './adopt.ts';
import { endProcesses } from './end-processes.ts';
import { defaultPath } from './environment.ts';
import { JsonFile } from './json-file.ts';
import { serviceId, workloadId } from './keys.ts';
import { keepLogs } from './log-keeper.ts';
import { type LogLine, type LogQuery, readLogs } from './log-reader.ts';
import type { Limits, LocalDriverOptions } from './options.ts';
import { Ports, type QuarantinedPort } from './ports.ts';
import { routerProof } from './proof.ts';
import { routesOf } from './route-table.ts';
import { Slots } from './slots.ts';
import { TableWriter } from './table-writer.ts';
import { trackedFiles } from './tracked-files.ts';
import { LocalTrafficRouter, type TrafficWishes } from './traffic-router.ts';
import { NO_COUNTERS, type StoredCounters, TrafficTotals } from './traffic-totals.ts';
import { WishStore } from './wish-store.ts';
import type { WorkloadContext } from './workload.ts';
import { Workloads } from './workloads.ts';

export interface LocalDriver {
  readonly driver: ClusterDriver;
  readonly trafficRouter: TrafficRouter;
  /** Lines of the instances that match, the oldest first; goes on with `follow` until the signal. */
  readonly logs: { read(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine> };
  /** Digests of artifacts that a workload or an instance names. */
  artifacts(): Set<string>;
  /** Lets go of everything; the instances go on. */
  stop(): Promise<void>;
  /** `stop`, then ends every instance without a drain. The wishes stand: a later driver starts them anew. */
  stopWithInstances(graceMs: number): Promise<void>;
}

const LIMITS: Limits = {
  concurrentStarts: Math.max(2, availableParallelism()),
  quarantineMs: 30_000,
  logBytes: 10 * 1024 * 1024,
  logFiles: 3,
  endedKept: 5,
  forgottenKept: 10,
  forgottenMs: 7 * 24 * 3_600_000,
};

const EMPTY_TABLE: RouteTable = { generation: 0, routes: [], backends: [] };

/**
 * The adapters for one machine: process groups as instances and the built-in router in front of them. What
 * must hold:
 *
 * - A wish is durable when it was accepted, and carried out by whichever driver runs, with or without a
 *   manager.
 * - An instance gets traffic after its proof and is ended after its drain; no look in between decides on
 *   anything but what is there (plan-workload, backend-states, admission: all pure).
 * - Instances outlive the driver. It resolves once those of a former life are adopted, so nothing that it
 *   answers or writes to the router can leave one of them out.
 */
export async function createLocalDriver(options: LocalDriverOptions): Promise<LocalDriver> {
  const { clock, random, log, network, routerControl: control, entry, user } = options;
  const tracked = trackedFiles(options.files);
  const { files } = tracked;
  const limits = { ...LIMITS, ...options.limits };
  const root = join(options.dataDirectory, 'agent');
  const instancesRoot = join(root, 'instances');
  await files.makeDirectory(root, { mode: 0o711 });
  await files.makeDirectory(instancesRoot, { mode: 0o711 });
  // Another user has to pass through, not to look around; the mode of a directory that existed may differ.
  if (user !== undefined)
    await Promise.all([root, instancesRoot].map((directory) => chmod(directory, 0o711)));

  await removeLeftovers(files, root);

  const stopping = new AbortController();
  const adopted = Promise.withResolvers<void>();
  const [wishes, traffic, tableFile, portsFile, counters] = await Promise.all([
    WishStore.open(files, join(root, 'wishes.json')),
    JsonFile.open<TrafficWishes>(files, join(root, 'traffic.json'), {}),
    JsonFile.open<RouteTable>(files, join(root, 'table.json'), EMPTY_TABLE),
    JsonFile.open<readonly QuarantinedPort[]>(files, join(root, 'ports.json'), []),
    JsonFile.open<StoredCounters>(files, join(root, 'counters.json'), NO_COUNTERS),
  ]);

  const proof =
    'prove' in options.proof
      ? options.proof
      : routerProof({ network, entry, requests: options.proof.requests });
  const context: WorkloadContext = {
    clock,
    files,
    log,
    network,
    random,
    control,
    instancesRoot,
    user,
    processes: options.processes,
    artifacts: options.artifacts,
    secrets: options.secrets,
    path: options.path ?? defaultPath(),
    ports: new Ports({ clock, random, file: portsFile, quarantineMs: limits.quarantineMs }),
    starts: new Slots(limits.concurrentStarts),
    endedKept: limits.endedKept,
    signal: stopping.signal,
    changed: (instance) => workloads.changed(instance.record.key),
    tableInForce: async () => {
      await adopted.promise;
      await table.flush();
    },
    isServing: (id) => table.isServing(id),
    prove: (instance, signal) =>
      proof.prove({
        instance: instance.id,
        version: instance.record.key.version,
        routes: traffic.value[serviceId(instance.record.key)]?.routes ?? [],
        timeoutMs: PROOF_TIMEOUT_MS,
        signal,
      }),
    drained: (instance, record) => workloads.drained(instance.record.key, record),
    gone: (workload) => workloads.forget(workload),
    forgottenKept: limits.forgottenKept,
    forgottenMs: limits.forgottenMs,
  };
  const table: TableWriter = new TableWriter({
    control,
    clock,
    log,
    file: tableFile,
    signal: stopping.signal,
    content: () => {
      const backends = workloads.backends();
      return { backends, routes: Object.values(traffic.durable).flatMap((wish) => routesOf(wish, backends)) };
    },
    onAcknowledged: () => workloads.tableChanged(),
  });
  const workloads: Workloads = new Workloads(context, wishes, table);
  const totals = new TrafficTotals(control, counters, clock);
  const trafficRouter = new LocalTrafficRouter({
    wishes: traffic,
    table,
    totals,
    control,
    network,
    clock,
    entry,
    instances: workloads,
  });

  await adoptInstances(context, workloads, tableFile.value);
  workloads.begin();
  adopted.resolve();
  const keeper = keepLogs({ clock, log, limits, signal: stopping.signal, files: () => workloads.logFiles() });

  const sweeper = sweep(clock, stopping.signal, () => workloads.prune());

  const stop = async (): Promise<void> => {
    stopping.abort(new Error('the local driver stops'));
    await Promise.all([keeper, sweeper]);
    await Promise.all(workloads.instances().map((instance) => instance.started));
    await tracked.idle();
  };
  return {
    driver: clusterDriver(workloads, wishes, trafficRouter),
    trafficRouter,
    logs: { read: (query, signal) => readLogs({ query, instancesRoot, files, clock, signal }) },
    artifacts: () => workloads.artifacts(),
    stop,
    stopWithInstances: async (graceMs) => {
      await stop();
      await endProcesses(context, workloads.instances(), graceMs);
      await tracked.idle();
    },
  };
}

/** Time between two looks at what is kept for its age. */
const SWEEP_MS = 3_600_000;

async function sweep(clock: Clock, signal: AbortSignal, prune: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await prune();
    await clock.sleep(SWEEP_MS, signal).catch(() => undefined);
  }
}

/** Half-written files of a former life that was killed within a write; their names are Files' own. */
async function removeLeftovers(files: Files, root: string): Promise<void> {
  const left = (await files.list(root)).filter((name) => /^\.[a-z]+\.json\.\d+-[0-9a-f]{12}$/.test(name));
  await Promise.all(left.map((name) => files.remove(join(root, name))));
}

/** One request of a proof. Longer than most would wait, since the first request to a process is its slowest. */
const PROOF_TIMEOUT_MS = 2_000;

function clusterDriver(workloads: Workloads, wishes: WishStore, traffic: LocalTrafficRouter): ClusterDriver {
  /** INV-5: nothing is taken to 0 while weights name it. */
  const checkNotNamed = async (key: WorkloadKey): Promise<void> => {
    const service: ServiceKey = key;
    const weight = (await traffic.traffic(service))?.weights[key.version] ?? 0;
    if (weight === 0) return;
    throw new SlipwayError('refused', `${key.version} still has ${weight} % of the traffic (INV-5)`, {
      next: 'move the traffic to another version, or remove the service first',
    });
  };
  return {
    name: 'local',
    setWorkload: async (wish: WorkloadWish) => {
      wishes.checkFence(wish.fence);
      if (wish.replicas === 0) await checkNotNamed(wish.key);
      workloads.apply(await wishes.putWish(wish));
    },
    removeWorkload: async (key) => {
      await checkNotNamed(key);
      const stored = await wishes.markRemoving(key);
      if (stored !== undefined) workloads.apply(stored);
    },
    restartWorkload: async (key) => {
      const stored = await wishes.nextRound(key);
      if (stored === undefined)
        throw new SlipwayError('notFound', `there is no workload ${workloadId(key)} here`);
      workloads.apply(stored);
    },
    observe: async (key): Promise<WorkloadObservation | undefined> => await workloads.get(key)?.observe(),
    list: () => Promise.all(workloads.all().map((workload) => workload.observe())),
    onChange: (callback) => workloads.onChange(callback),
  };
}
