import type { Command, Release } from '../../api/release.ts';
import type { Track } from '../../api/revision.ts';
import { evaluateAllowance } from '../../engine/counts.ts';
import { hasEnded } from '../../engine/release/state.ts';
import { type Onlooker, together } from '../onlooker.ts';
import { objectsOf, releasesOf, type World } from '../rules/rule.ts';
import { SeededRandom } from '../seeded-random.ts';
import { type RunOutcome, simulate } from '../simulation.ts';
import type { DrawnDrill } from './draw-drill.ts';
import { Measures } from './measures.ts';
import { People } from './people.ts';
import type { Subject } from './side.ts';

export interface DrillRun {
  readonly drawn: DrawnDrill;
  readonly outcome: RunOutcome;
  readonly measures: Measures;
}

export interface DrillOptions {
  readonly subject: Subject;
  readonly drawn: DrawnDrill;
  /** Others who look on. */
  readonly also?: Onlooker;
  readonly trace?: boolean;
}

/** More events than any release of this length has: something goes round. */
const MOST_EVENTS = 20_000_000;

/** Plays one drill to its end. */
export async function runDrill({ subject, drawn, also, trace = false }: DrillOptions): Promise<DrillRun> {
  const { application, environment } = subject;
  const isFirst = drawn.drill.isFirst || subject.from === null;
  const release = `${application}-${environment}-${isFirst ? 'r1' : 'r2'}`;
  const measures = new Measures({
    ...{ release, fromMs: drawn.fromMs, full: floorsOf(subject, isFirst) },
    oldRevision: isFirst ? null : 'r1',
  });
  const people = new People({
    ...{ application, environment, release, goBackAfterMs: drawn.goBackAfterMs },
    random: new SeededRandom(`${drawn.scenario.seed}/people`),
  });
  let world: World | undefined;
  const rest: Onlooker = {
    begins: (watched) => {
      world = watched.world;
    },
    isAtRest: () =>
      world !== undefined && !people.isBusy && hasCome(world, measures) && isQuiet(world, drawn.fromMs),
  };
  const outcome = await simulate({
    scenario: drawn.scenario,
    ...{ trace, stopAtFirst: false, maxEvents: MOST_EVENTS },
    onlooker: together([measures, people, rest, ...(also === undefined ? [] : [also])]),
  });
  return { drawn, outcome, measures };
}

/** The release has ended, or the track says why there is none: a manager that is dead may begin it much later. */
const hasCome = (world: World, { endedAtMs }: Measures): boolean =>
  endedAtMs !== null ||
  (objectsOf(world, 'Track') as unknown as Track[]).some(({ status }) => (status?.refusal ?? null) !== null);

/** Nothing is under way. What is kept warm may stay: its timer is no part of the release. */
function isQuiet(world: World, fromMs: number): boolean {
  if (world.timeline.now <= fromMs + 1_000) return false;
  const ended = releasesOf(world).every(({ status }: Release) => hasEnded(status?.phase ?? 'Pending'));
  const tracks = (objectsOf(world, 'Track') as unknown as Track[]).every(
    ({ status }) => !status?.active && !status?.work && (status?.queue.length ?? 0) === 0,
  );
  const answered = (objectsOf(world, 'Command') as unknown as Command[]).every(
    ({ status }) => status !== undefined && status.state !== 'pending',
  );
  return ended && tracks && answered;
}

/** By workload with traffic: how many have to serve at every moment. */
function floorsOf({ from, to }: Subject, isFirst: boolean): Record<string, number> {
  const floors: Record<string, number> = {};
  for (const [name, { type, replicas, maxUnavailable }] of Object.entries(to.workloads)) {
    if (type !== 'service' || replicas === 0) continue;
    const before = isFirst ? undefined : from?.workloads[name];
    const size = Math.min(replicas, before?.replicas ?? replicas);
    floors[name] = Math.max(1, size - evaluateAllowance(maxUnavailable, size, 'unavailable'));
  }
  return floors;
}
