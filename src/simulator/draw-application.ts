import type * as z from 'zod';
import type { ApplicationSpecInput } from '../api/application.ts';
import type { Gate } from '../api/gate.ts';
import { PROGRAM_VARIABLE } from './program.ts';
import type { SeededRandom } from './seeded-random.ts';

type GateInput = z.input<typeof Gate>;
type StrategyInput = NonNullable<ApplicationSpecInput['strategy']>;
type WorkloadInput = NonNullable<ApplicationSpecInput['workload']>;

/** Drawn once for an application and kept through its changes. */
export interface ApplicationShape {
  readonly name: string;
  readonly several: boolean;
  readonly worker: boolean;
  readonly migration: boolean;
  readonly maxSurge: number | string;
  readonly maxUnavailable: number;
}

export function drawShape(name: string, random: SeededRandom): ApplicationShape {
  return {
    name,
    several: random.chance(0.3),
    worker: random.chance(0.2),
    migration: random.chance(0.1),
    maxSurge: random.pick([1, 2, '50%', '100%', '100%']),
    maxUnavailable: random.chance(0.2) ? 1 : 0,
  };
}

/** One version of an application's file: its programs, replicas, strategy, gates and policy. */
export function drawApplication(
  shape: ApplicationShape,
  programOf: (workload: string) => string,
  random: SeededRandom,
): ApplicationSpecInput {
  const service = (name: string): WorkloadInput => ({
    command: ['serve'],
    artifact: `${shape.name}@${digestOf(programOf(name))}`,
    port: {},
    env: { [PROGRAM_VARIABLE]: programOf(name) },
    replicas: random.weighted({ '1': 1, '2': 2, '3': 3, '4': 2, '6': 1 }) as unknown as number,
    readiness: { http: { path: '/ready' }, interval: '1s', startTimeout: random.pick(['5s', '20s', '60s']) },
    drain: { timeout: '10s', streamTimeout: '10s', grace: '10s' },
    maxSurge: shape.maxSurge,
    maxUnavailable: shape.maxUnavailable,
  });
  const other = (name: string, type: 'worker' | 'migration'): WorkloadInput => ({
    type,
    command: ['work'],
    artifact: `${shape.name}@${digestOf(programOf(name))}`,
    env: { [PROGRAM_VARIABLE]: programOf(name) },
    replicas: 1,
    drain: { timeout: '5s', streamTimeout: '5s', grace: '5s' },
  });
  const names = shape.several ? ['web', 'api'] : ['web'];
  const workloads: Record<string, WorkloadInput> = {};
  for (const name of names) {
    const workload = service(name);
    workloads[name] = { ...workload, replicas: Number(workload.replicas) };
  }
  if (shape.worker) workloads.jobs = other('jobs', 'worker');
  if (shape.migration) workloads.schema = other('schema', 'migration');
  return {
    workloads,
    routes: names.map((workload) => ({ host: `${workload}.${shape.name}.localhost`, workload })),
    strategy: drawStrategy(random),
    gates: drawGates(shape.name, random),
    policy: {
      onFailure: random.pick(['rollback', 'rollback', 'pause']),
      onFailedRequest: random.pick(['rollback', 'rollback', 'pause', 'ignore']),
      supersede: {
        beforeFlip: random.pick(['supersede', 'queue', 'reject']),
        afterFlip: random.pick(['queue', 'supersede', 'reject']),
      },
      progressDeadline: random.pick(['40s', '90s', '3m']),
      pauseExpiry: random.pick(['45s', '2m']),
    },
    release: random.chance(0.85) ? 'auto' : 'manual',
  };
}

/** A digest for what has no bytes here: sixty-four digits that differ where the names do. */
export function digestOf(program: string): string {
  const hex = [...program].map((letter) => letter.charCodeAt(0).toString(16)).join('');
  return `sha256:${hex.padEnd(64, '0').slice(0, 64)}`;
}

function drawStrategy(random: SeededRandom): StrategyInput {
  const retention = { time: random.pick(['20s', '1m', '3m']), count: random.between(1, 3) };
  const pause = random.chance(0.15) ? [1] : [];
  switch (random.weighted({ scaled: 3, blueGreen: 3, canary: 2, custom: 1, rolling: 1 })) {
    case 'blueGreen':
      return { blueGreen: { pause: random.pick([[], [], [1], [1, 2]]), retention } };
    case 'canary':
      return {
        canary: {
          pause,
          weights: random.pick([
            [10, 100],
            [5, 25, 50, 100],
            [50, 100],
          ]),
          by: random.pick(['weight', 'weight', 'replicas']),
          ...(random.chance(0.5) ? { soak: random.pick(['2s', '15s']) } : {}),
          retention,
        },
      };
    case 'custom':
      return {
        custom: {
          pause,
          percentages: random.pick([[50, 100], [100], [25, 75, 100]]),
          beta: random.chance(0.3),
        },
      };
    case 'rolling':
      return { rolling: { pause } };
    default:
      return {
        scaled: {
          pause,
          warm: random.chance(0.5),
          retention,
          ...(random.chance(0.3)
            ? {
                steps: random.pick([
                  [1, '50%', '100%'],
                  ['34%', '100%'],
                  [1, '100%'],
                ]),
              }
            : {}),
        },
      };
  }
}

function drawGates(application: string, random: SeededRandom): GateInput[] {
  const gates: GateInput[] = [];
  const place = () => (random.chance(0.5) ? { before: 1 } : { after: 1 });
  if (random.chance(0.35)) {
    gates.push({
      name: 'smoke',
      after: 1,
      http: { path: '/smoke' },
      interval: '1s',
      timeout: '2s',
      successes: random.between(1, 2),
      failureLimit: random.between(1, 3),
    });
  }
  if (random.chance(0.15))
    gates.push({ name: 'soak', after: 1, soak: { duration: random.pick(['3s', '25s']) } });
  if (random.chance(0.1))
    gates.push({ name: 'consent', ...place(), approval: { expires: random.pick(['30s', '90s']) } });
  if (random.chance(0.15)) {
    gates.push({
      name: 'check',
      ...place(),
      command: { argv: [`check-${application}`], idempotent: random.chance(0.5) },
      timeout: '3s',
      failureLimit: random.between(1, 2),
    });
  }
  if (random.chance(0.1)) {
    gates.push({
      name: 'quality',
      ...place(),
      http: { url: `http://quality-${application}.test/` },
      timeout: '3s',
    });
  }
  return gates;
}
