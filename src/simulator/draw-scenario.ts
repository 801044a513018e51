import type { ApplicationSpecInput } from '../api/application.ts';
import { EnvironmentSpec } from '../api/environment.ts';
import { checkApplication } from './check-application.ts';
import { drawApplication, drawShape } from './draw-application.ts';
import { drawFaults } from './draw-faults.ts';
import { drawRetention } from './draw-retention.ts';
import { GOOD_PROGRAM, type Program } from './program.ts';
import type { Operation, Scenario } from './scenario.ts';
import { SeededRandom } from './seeded-random.ts';

const MINUTE = 60_000;

/** Draws a whole run from its seed: what people do, what breaks, and how the programs behave. */
export function drawScenario(seed: string): Scenario {
  const root = new SeededRandom(seed);
  const people = root.split('people');
  const busyMs = people.between(4, 7) * MINUTE;
  const environments: Record<string, EnvironmentSpec> = { local: EnvironmentSpec.parse({}) };
  if (people.chance(0.3)) {
    environments.production = EnvironmentSpec.parse({
      protection: people.chance(0.5) ? { approval: { expires: '90s' } } : {},
    });
  }
  const programs: Record<string, Program> = {};
  const names = ['shop', 'blog', 'mail'].slice(0, people.pick([1, 1, 1, 2, 2, 3]));
  const operations = names.flatMap((name) =>
    drawOperations(name, { random: root.split(`application/${name}`), programs, environments, busyMs }),
  );
  const { faults, chance, plane } = drawFaults(root.split('faults'), busyMs);
  const outside = root.split('outside');
  const service = () => ({
    answerMs: outside.chance(0.1) ? Number.POSITIVE_INFINITY : outside.between(5, 800),
    passes: outside.pick([1, 1, 0.8, 0]),
  });
  return {
    seed,
    environments,
    programs,
    operations: operations.sort((a, b) => a.atMs - b.atMs),
    faults,
    chance,
    plane,
    services: Object.fromEntries(names.map((name) => [`quality-${name}.test`, service()])),
    commands: Object.fromEntries(names.map((name) => [`check-${name}`, service()])),
    retention: drawRetention(root.split('retention'), faults),
    requestEveryMs: outside.pick([120, 300, 900]),
    busyMs,
    calmMs: 20 * MINUTE,
  };
}

interface Drawing {
  readonly random: SeededRandom;
  readonly programs: Record<string, Program>;
  readonly environments: Readonly<Record<string, EnvironmentSpec>>;
  readonly busyMs: number;
}

/** One application's life: its first file, then changes and verbs at random moments. */
function drawOperations(name: string, { random, programs, environments, busyMs }: Drawing): Operation[] {
  const shape = drawShape(name, random.split('shape'));
  const places = Object.keys(environments);
  let serial = 0;
  // Something that its instances need to start is away for a while. It ends with the faults at the latest.
  const fromMs = random.between(30_000, busyMs - 60_000);
  const outage = random.chance(0.3) ? { fromMs, untilMs: fromMs + random.between(20_000, 90_000) } : null;
  const program = (isFirst: boolean) => {
    serial += 1;
    const id = `${name}-${serial}`;
    programs[id] = { ...drawProgram(random, isFirst ? 0.05 : 0.3), outage };
    return id;
  };
  const draw = (isFirst: boolean): ApplicationSpecInput => {
    for (;;) {
      const ids = new Map<string, string>();
      const spec = drawApplication(
        shape,
        (workload) => {
          const id = ids.get(workload) ?? program(isFirst);
          ids.set(workload, id);
          return id;
        },
        random,
      );
      if (places.length > 1) Object.assign(spec, { environments: { production: {} } });
      // What the schemas and the planner refuse is met by their own tests.
      if (checkApplication(spec, name, environments).ok) return spec;
    }
  };
  let current = draw(true);
  const operations: Operation[] = [
    {
      atMs: random.between(100, 5_000),
      application: name,
      environment: 'local',
      type: 'apply',
      spec: current,
    },
  ];
  const pace = random.pick([6_000, 15_000, 40_000]);
  for (let atMs = operations[0]?.atMs ?? 0; ; ) {
    atMs += Math.round(-Math.log(1 - random.next()) * pace) + 1;
    if (atMs >= busyMs) return [...operations, ...drawApprovals(name, { random, environments, busyMs })];
    const where = { atMs, application: name, environment: random.pick(places) };
    const what = random.weighted({
      ...{ change: 10, restyle: 2, resize: 2, promote: 4, pause: 2, resume: 4, approve: 5, reject: 1 },
      ...{
        abort: 2,
        rollbackRelease: 2,
        retry: 2,
        skip: 2,
        release: 2,
        rollback: 2,
        scale: 1,
        restart: 1,
        delete: 1,
      },
    });
    if (what === 'change') current = draw(false);
    if (what === 'restyle') {
      const next = draw(false);
      // Strategy, gates and policy alone: no revision.
      const { strategy, gates, policy } = next;
      current = { ...current, ...(strategy === undefined ? {} : { strategy }), gates: gates ?? [], policy };
    }
    if (what === 'resize') current = resized(current, random);
    if (what === 'change' || what === 'restyle' || what === 'resize') {
      operations.push({ ...where, type: 'apply', spec: current });
    } else if (what === 'delete') {
      if (random.chance(0.4)) operations.push({ ...where, type: 'delete' });
    } else if (what === 'release' || what === 'restart') {
      operations.push({ ...where, type: 'applicationVerb', verb: what, parameters: {} });
    } else if (what === 'rollback') {
      // To the one before, or further back: it may be there no more.
      const to = random.chance(0.3) ? { to: `r${random.between(1, 6)}` } : {};
      operations.push({ ...where, type: 'applicationVerb', verb: 'rollback', parameters: to });
    } else if (what === 'scale') {
      const replicas = random.between(1, 5);
      operations.push({
        ...where,
        type: 'applicationVerb',
        verb: 'scale',
        parameters: { replicas, workload: 'web' },
      });
    } else {
      operations.push({ ...where, type: 'verb', verb: what === 'rollbackRelease' ? 'rollback' : what });
    }
  }
}

/** Who guards a protected environment looks at what waits there every now and then. */
function drawApprovals(
  application: string,
  { random, environments, busyMs }: Omit<Drawing, 'programs'>,
): Operation[] {
  const operations: Operation[] = [];
  for (const [environment, { protection }] of Object.entries(environments)) {
    if (protection.approval === undefined) continue;
    for (let atMs = random.between(5_000, 20_000); atMs < busyMs; atMs += random.between(3_000, 25_000))
      operations.push({ atMs, application, environment, type: 'verb', verb: 'approve' });
  }
  return operations;
}

function resized(spec: ApplicationSpecInput, random: SeededRandom): ApplicationSpecInput {
  const workloads = Object.fromEntries(
    Object.entries(spec.workloads ?? {}).map(([name, workload]) => [
      name,
      workload.type === undefined ? { ...workload, replicas: random.between(1, 5) } : workload,
    ]),
  );
  return { ...spec, workloads };
}

function drawProgram(random: SeededRandom, bad: number): Program {
  const good: Program = {
    ...GOOD_PROGRAM,
    startMs: random.pick([200, 800, 2_500, 6_000]),
    requestMs: random.pick([20, 150]),
    slowMs: random.between(500, 8_000),
    streamMs: random.pick([5_000, 40_000]),
    job: { ms: random.between(200, 5_000), exitCode: 0 },
  };
  if (!random.chance(bad)) return good;
  switch (random.between(1, 7)) {
    case 1:
      return { ...good, startMs: Number.POSITIVE_INFINITY };
    case 2:
      return { ...good, serveMs: Number.POSITIVE_INFINITY };
    case 3:
      return { ...good, crashesAtStart: true };
    case 4:
      return { ...good, crashEveryMs: random.pick([3_000, 30_000, 200_000]) };
    case 5:
      return { ...good, flapEveryMs: random.pick([5_000, 60_000]) };
    case 6:
      return { ...good, gateStatus: 500 };
    default:
      return { ...good, gateFlakiness: 0.4, job: { ...good.job, exitCode: 1 } };
  }
}
