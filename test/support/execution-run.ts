import { afterEach } from 'vitest';
import { acceptedStatus } from '../../src/agent/journal-entries.ts';
import { Lease } from '../../src/agent/lease.ts';
import { runExecution } from '../../src/agent/run-execution.ts';
import type { ExecutionSpec, ExecutionStatus, GateRunStatus } from '../../src/api/execution.ts';
import type { TrafficTotals } from '../../src/api/release.ts';
import type { WorkloadProblem } from '../../src/drivers/cluster-driver.ts';
import { inlineExpressions } from '../../src/gates/expressions.ts';
import { silentLog } from '../../src/lib/log.ts';
import type { Network } from '../../src/lib/network.ts';
import type { Processes } from '../../src/lib/processes.ts';
import { autoClock } from './auto-clock.ts';
import { executionSpec, FULL, revision, shiftInstructions, ZERO } from './execution-orders.ts';
import { ModelCluster } from './model-driver.ts';

/** Runs whole executions against a model of a cluster in virtual time; each test has a cluster of its own. */
export const clock = autoClock();
/** Of the test that runs. */
export let cluster = new ModelCluster(clock);
afterEach(() => {
  cluster.stop();
  cluster = new ModelCluster(clock);
});

export const answering: Network = {
  request: async () => ({ status: 200, headers: {}, body: Buffer.from(''), truncated: false, ms: 1 }),
  connect: async () => {},
};

export interface Outcome {
  readonly status: ExecutionStatus;
  readonly gateRuns: Readonly<Record<string, GateRunStatus>>;
  readonly messages: readonly string[];
  /** States of the instructions at each save, by their first letters. */
  readonly saves: readonly string[];
}

export async function run(
  spec: ExecutionSpec,
  more: {
    status?: ExecutionStatus;
    notes?: Readonly<Record<string, unknown>>;
    signal?: AbortSignal;
    processes?: Processes;
    network?: Network;
    entry?: readonly string[];
    leaseMs?: number;
    /** How long the journal takes to keep something. */
    saveMs?: number;
    /** What the entry has counted, whenever it is asked. */
    counted?: TrafficTotals;
  } = {},
): Promise<Outcome> {
  const lease = new Lease(clock);
  lease.begin(more.leaseMs ?? 3_600_000);
  const messages: string[] = [];
  const saves: string[] = [];
  const counted = more.counted ?? null;
  let last: { status: ExecutionStatus; gateRuns: Readonly<Record<string, GateRunStatus>> } = {
    status: acceptedStatus(spec, '2026-11-20T14:02:11.123Z'),
    gateRuns: {},
  };
  const keep = (status: ExecutionStatus, gateRuns: Readonly<Record<string, GateRunStatus>>) => {
    last = { status, gateRuns };
    for (const { message } of status.instructions) if (message !== '') messages.push(message);
  };
  await runExecution(
    {
      namespace: 'default',
      execution: 'shop-local-r2-e1-s1',
      spec,
      status: more.status ?? last.status,
      gateRuns: {},
      notes: more.notes ?? {},
    },
    {
      driver: cluster.driver,
      trafficRouter: cluster.trafficRouter,
      network: more.network ?? answering,
      processes: more.processes ?? ({} as Processes),
      expressions: inlineExpressions,
      resolve: async () => ['127.0.0.1'],
      clock,
      log: silentLog,
      lease,
      entry: more.entry ?? [],
    },
    {
      save: async (status, gateRuns) => {
        saves.push(status.instructions.map(({ state }) => state[0]).join(''));
        keep(status, gateRuns);
        if (more.saveMs !== undefined) await clock.sleep(more.saveMs);
      },
      progress: keep,
      note: async () => {},
      counted: async () => counted,
    },
    more.signal ?? new AbortController().signal,
  );
  return { ...last, messages, saves };
}

export const first = (replicas = 4) =>
  run(
    executionSpec(
      shiftInstructions(FULL, ZERO).filter(({ id }) => id !== 'drain'),
      { from: null, to: revision(1), replicas: { shop: replicas } },
    ),
  );
export const shift = (more: Partial<ExecutionSpec> = {}, to = FULL, from = ZERO) =>
  executionSpec(shiftInstructions(to, from, { remove: from.kind === 'zero' }), {
    replicas: { shop: 4 },
    ...more,
  });
export const problem = (final: boolean): WorkloadProblem => ({
  reason: 'crashLoop',
  message: 'it ended with code 1 three times: "Error: no config"',
  since: '2026-11-20T14:02:11.123Z',
  final,
});
