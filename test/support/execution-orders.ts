import type { RouteSpec } from '../../src/api/application.ts';
import type { Execution, ExecutionSpec } from '../../src/api/execution.ts';
import { API_VERSION } from '../../src/api/meta.ts';
import type { Count, Instruction } from '../../src/api/plan.ts';
import type { PinnedWorkload } from '../../src/api/workload.ts';

/** Orders as the release controller makes them, for the application `shop` in environment `local`. */
export const VERSION = '0.1.0-test';
export const FULL: Count = { kind: 'full' };
export const ZERO: Count = { kind: 'zero' };

export const SERVICE = {
  namespace: 'default',
  application: 'shop',
  environment: 'local',
  workload: 'shop',
} as const;

export const ROUTE: RouteSpec = {
  host: 'shop.localhost',
  path: '/',
  rules: [],
  timeouts: { connectMs: 1_000, responseHeadMs: 60_000, idleMs: 0 },
};

export const pinned = (name: string, type: PinnedWorkload['type'] = 'service'): PinnedWorkload => ({
  name,
  type,
  command: ['node', 'server.js'],
  env: {},
  ...(type === 'service' ? { port: { env: 'PORT' } } : {}),
  drain: { timeout: '1s', streamTimeout: '1s', grace: '1s' },
});

export function revision(number: number, workloads: readonly PinnedWorkload[] = [pinned('shop')]) {
  return {
    name: `shop-local-r${number}`,
    spec: {
      application: 'shop',
      environment: 'local',
      number,
      digest: `v1:${number}`,
      workloads: [...workloads],
      parameters: {},
    },
  };
}

export function executionSpec(
  instructions: readonly Instruction[],
  more: Partial<ExecutionSpec> = {},
): ExecutionSpec {
  const release = 'shop-local-r2';
  return {
    release,
    subject: `release/default/${release}`,
    purpose: 'stage',
    application: 'shop',
    environment: 'local',
    cluster: 'local',
    epoch: 1,
    sequence: 1,
    slipwayVersion: VERSION,
    stage: 1,
    instructions: [...instructions],
    from: revision(1),
    to: revision(2),
    replicas: { shop: 6 },
    maxSurge: { shop: '100%' },
    maxUnavailable: { shop: 0 },
    routes: [ROUTE],
    deadlineMs: 5_000,
    ...more,
  };
}

export const execution = (spec: ExecutionSpec, name?: string): Execution => ({
  apiVersion: API_VERSION,
  kind: 'Execution',
  metadata: {
    name: name ?? `${spec.release ?? 'shop-local'}-e${spec.epoch}-s${spec.sequence}`,
    namespace: 'default',
  },
  spec,
});

/** Grow, prove, flip, prove, drain: the middle stage of `scaled`. */
export function shiftInstructions(to: Count, from: Count, options: { remove?: boolean } = {}): Instruction[] {
  const weights = { kind: 'byCapacity', from, to } as const;
  const workload = 'shop';
  return [
    { id: 'ensure', needs: [], type: 'ensureWorkload', side: 'to', workload, replicas: to },
    { id: 'ready', needs: ['ensure'], type: 'awaitReady', side: 'to', workload, replicas: to },
    {
      id: 'prove-before',
      needs: ['ready'],
      type: 'proveTraffic',
      when: 'before',
      workload,
      side: 'to',
      replicas: to,
      weights,
    },
    { id: 'traffic', needs: ['prove-before'], type: 'setTraffic', workload, weights },
    {
      id: 'prove-after',
      needs: ['traffic'],
      type: 'proveTraffic',
      when: 'after',
      workload,
      side: 'to',
      replicas: to,
      weights,
    },
    { id: 'drain', needs: ['prove-after'], type: 'drain', side: 'from', workload, replicas: from },
    ...(options.remove === true
      ? ([
          { id: 'remove', needs: ['drain'], type: 'removeWorkload', side: 'from', workload },
        ] satisfies Instruction[])
      : []),
  ];
}
