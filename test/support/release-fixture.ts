import type { Execution, GateRun, ReceiptSpec } from '../../src/api/execution.ts';
import type { Count, Stage } from '../../src/api/plan.ts';
import type { Release, ReleaseStatus, StageStatus } from '../../src/api/release.ts';

/**
 * Releases as people are shown them, for tests of what is printed: shop r1 → r2 by `scaled` with six
 * instances, at any point of its way. Times are seconds after 14:02.
 */
export const T0 = Date.parse('2026-11-20T14:02:00.000Z');
export const at = (seconds: number): string => new Date(T0 + seconds * 1_000).toISOString();

const count = (n: number): Count => ({ kind: 'fixed', n });

function stage(
  number: number,
  title: string,
  from: number,
  to: number,
  flips: boolean,
  more: Partial<Stage> = {},
): Stage {
  return {
    number,
    title,
    instructions: [
      {
        id: 'shop/ensure',
        needs: [],
        type: 'ensureWorkload',
        side: 'to',
        workload: 'shop',
        replicas: count(to),
      },
      {
        id: 'shop/ready',
        needs: ['shop/ensure'],
        type: 'awaitReady',
        side: 'to',
        workload: 'shop',
        replicas: count(to),
      },
      {
        id: 'shop/drain',
        needs: ['shop/ready'],
        type: 'drain',
        side: 'from',
        workload: 'shop',
        replicas: count(from),
      },
    ],
    advance: { kind: 'auto' },
    gatesBefore: [],
    gatesAfter: [],
    flips,
    result: [
      {
        workload: 'shop',
        from: count(from),
        to: count(to),
        weights: flips ? { kind: 'byCapacity', from: count(from), to: count(to) } : null,
      },
    ],
    ...more,
  };
}

export const SMOKE = {
  name: 'smoke',
  after: 1,
  timeout: '10s',
  interval: '1s',
  successes: 1,
  failureLimit: 1,
  http: {
    path: '/healthz',
    method: 'GET' as const,
    headers: {},
    expect: 'response.status == 200',
    allowPrivate: false,
  },
};

export const STAGES: readonly Stage[] = [
  stage(1, 'green 1', 6, 1, false, { gatesAfter: [SMOKE] }),
  stage(2, 'green 4, blue 2', 2, 4, true),
  stage(3, 'green 6, blue 0', 0, 6, true),
];

export const stageStatus = (number: number, more: Partial<StageStatus> = {}): StageStatus => ({
  number,
  title: STAGES[number - 1]?.title ?? `stage ${number}`,
  state: 'pending',
  startedAt: null,
  endedAt: null,
  execution: null,
  message: null,
  flip: null,
  drain: null,
  ...more,
});

export const STAGE_1_DONE = stageStatus(1, {
  state: 'done',
  startedAt: at(0),
  endedAt: at(0.4),
  execution: 'shop-local-r2-e1-s1',
});
export const STAGE_2_DONE = stageStatus(2, {
  state: 'done',
  startedAt: at(0.5),
  endedAt: at(1.6),
  execution: 'shop-local-r2-e1-s2',
  flip: { at: at(1), flipMs: 0.3, proof: '20/20' },
});
export const STAGE_3_RUNNING = stageStatus(3, {
  state: 'running',
  startedAt: at(1.7),
  execution: 'shop-local-r2-e1-s3',
});
export const STAGE_3_DONE = {
  ...STAGE_3_RUNNING,
  state: 'done' as const,
  endedAt: at(3.2),
  flip: { at: at(1.9), flipMs: 0.2, proof: '20/20' },
};

export const TRAFFIC = {
  requests: 7_914,
  failed: 0,
  failures: {},
  byVersion: {
    'shop-r1': { requests: 3_000, failed: 0 },
    'shop-r2': { requests: 4_914, failed: 0, answered5xx: 22 },
  },
};

export function releaseStatus(more: Partial<ReleaseStatus> = {}): ReleaseStatus {
  return {
    phase: 'Progressing',
    direction: 'forward',
    backStages: [],
    stage: 0,
    step: 'instructions',
    stages: [1, 2, 3].map((number) => stageStatus(number)),
    epoch: 1,
    sequence: 1,
    execution: null,
    gateRuns: {},
    flipped: false,
    waiting: {
      for: 'instances',
      message: 'Stage 1: green 1',
      who: 'nobody',
      commands: ['slipway abort shop-local-r2'],
      since: at(0),
      expiresAt: null,
      onExpiry: null,
    },
    pause: null,
    progress: { usedMs: 0, runningSince: null },
    failure: null,
    startedAt: at(0),
    endedAt: null,
    traffic: null,
    commands: [],
    decision: null,
    receipt: null,
    conditions: [],
    ...more,
  } as ReleaseStatus;
}

export function releaseFixture(
  status: Partial<ReleaseStatus> | null = {},
  spec: Partial<Release['spec']> = {},
): Release {
  return {
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'Release',
    metadata: { name: 'shop-local-r2', namespace: 'default', creationTimestamp: at(0) },
    spec: {
      application: 'shop',
      environment: 'local',
      from: 'shop-local-r1',
      to: 'shop-local-r2',
      reason: 'release',
      strategy: { scaled: { pause: [], warm: false, retention: { time: '30m', count: 1 } } },
      plan: {
        strategy: 'scaled',
        stages: [...STAGES],
        afterwards: 'cold',
        rollback: [{ until: 3, how: 'scaled r2 → r1, about 4 s', flips: 2 }],
        warnings: [],
        hash: `9c41f0${'0'.repeat(58)}`,
      },
      policy: {
        onFailure: 'rollback',
        onFailedRequest: 'rollback',
        supersede: { beforeFlip: 'supersede', afterFlip: 'queue' },
        progressDeadline: '10m',
        pauseExpiry: '24h',
      },
      gates: [SMOKE],
      routes: [],
      clusters: ['local'],
      replicas: { shop: 6 },
      workloads: [{ name: 'shop', replicasFrom: 6 }],
      requestedBy: 'dana',
      why: null,
      slipwayVersion: '0.1.0',
      ...spec,
    } as Release['spec'],
    ...(status === null ? {} : { status: releaseStatus(status) }),
  };
}

export function executionFixture(
  sequence: number,
  instructions: readonly {
    id: string;
    state: 'pending' | 'running' | 'done';
    message?: string;
    evidence?: Record<string, unknown>;
  }[],
): Execution {
  return {
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'Execution',
    metadata: { name: `shop-local-r2-e1-s${sequence}` },
    spec: { release: 'shop-local-r2', stage: sequence, epoch: 1, sequence, cluster: 'local' },
    status: {
      phase: 'Running',
      instructions: instructions.map(({ id, state, message = '', evidence = {} }) => ({
        id,
        state,
        message,
        evidence,
        startedAt: at(1.7),
        endedAt: null,
      })),
      failure: null,
      traffic: null,
      acceptedAt: at(1.7),
      endedAt: null,
    },
  } as unknown as Execution;
}

export function gateRunFixture(status: Partial<NonNullable<GateRun['status']>>): GateRun {
  return {
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'GateRun',
    metadata: { name: 'shop-local-r2-e1-s1-smoke' },
    spec: { release: 'shop-local-r2', stage: 1, when: 'after', epoch: 1, gate: SMOKE },
    status: {
      state: 'done',
      verdict: 'pass',
      message: 'GET /healthz 200',
      startedAt: at(0.3),
      endedAt: at(0.312),
      samples: [],
      by: null,
      why: null,
      ...status,
    },
  } as GateRun;
}

export function receiptFixture(more: Partial<ReceiptSpec> = {}): ReceiptSpec {
  return {
    release: 'shop-local-r2',
    application: 'shop',
    environment: 'local',
    from: 'shop-local-r1',
    to: 'shop-local-r2',
    phase: 'Succeeded',
    wallMs: 251_000,
    requests: {
      source: 'router',
      total: 48_211,
      failed: 0,
      failures: {},
      answered5xx: 22,
      byVersion: TRAFFIC.byVersion,
    },
    prober: { source: 'prober', total: 2_400, failed: 0 },
    flips: [
      {
        source: 'router',
        stage: 2,
        cluster: 'local',
        at: at(1),
        flipMs: 0.3,
        weights: { 'shop-r1': 33, 'shop-r2': 67 },
        proofBefore: '4/4 instances',
        proofAfter: '20/20',
      },
      {
        source: 'router',
        stage: 3,
        cluster: 'local',
        at: at(2),
        flipMs: 12.4,
        weights: { 'shop-r1': 0, 'shop-r2': 100 },
        proofBefore: '2/2 instances',
        proofAfter: '20/20',
      },
    ],
    drains: [
      {
        source: 'router',
        stage: 2,
        cluster: 'local',
        version: 'shop-r1',
        ms: 8_300,
        requests: 14,
        streams: 2,
        cut: 0,
      },
      {
        source: 'router',
        stage: 3,
        cluster: 'local',
        version: 'shop-r1',
        ms: 120,
        requests: 3,
        streams: 0,
        cut: 0,
      },
    ],
    gates: [
      {
        source: 'gate',
        name: 'smoke',
        stage: 1,
        verdict: 'pass',
        message: 'GET /healthz 200',
        by: null,
        why: null,
        ms: 12,
      },
      {
        source: 'command',
        name: 'approval',
        stage: 2,
        verdict: 'pass',
        message: '',
        by: 'dana',
        why: 'looks good',
        ms: 1_080_000,
      },
    ],
    commands: [{ verb: 'approve', by: 'dana', at: at(1_740), why: 'looks good' }],
    revisions: { from: `v1:sha256:${'1c'.repeat(32)}`, to: `v1:sha256:${'9a'.repeat(32)}` },
    plan: `4be210${'0'.repeat(58)}`,
    ...more,
  };
}
