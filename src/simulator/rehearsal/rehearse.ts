import { durationMs } from '../../api/duration.ts';
import { type Assumptions, assume, assumptionWords, longestSoakMs, type Told } from './assumptions.ts';
import { withKnownGates } from './cast.ts';
import { type DrawnDrill, drawDrill, type Pace, UNKNOWN_PACE } from './draw-drill.ts';
import type { RehearsalReport } from './report.ts';
import { type DrillRun, runDrill } from './run-drill.ts';
import type { Subject } from './side.ts';
import { Story } from './story.ts';
import { Tally } from './tally.ts';
import { troublesOf } from './troubles.ts';

export interface RehearsalOptions {
  readonly subject: Subject;
  readonly told: Told;
  /** Absent: as many as are played in a minute or so. */
  readonly runs?: number;
  /** The first seed; the others follow it. */
  readonly from?: number;
  readonly progress?: (done: number, runs: number, bad: number) => void;
  /** Ends after the run under way; what was found until then is told. */
  readonly signal?: AbortSignal;
}

const MINUTE = 60_000;
/** Each of the twenty drills ten times; of a release of hours, twice. */
const usualRuns = (ms: number): number => (ms < 20 * MINUTE ? 200 : 40);
/** Requests to a service in a run, about: long soaks are asked less often, not more expensively. */
const REQUESTS = 1_200;
const EVERY_MS = { least: 50, most: 2_000, pace: 200 } as const;

/** Many runs of one release, each on another bad day; the same options give the same report. */
export async function rehearse(options: RehearsalOptions): Promise<RehearsalReport> {
  const { told, from = 1 } = options;
  const { subject, unknown } = withKnownGates(options.subject, options.told.gates);
  const assumed = assume(told, subject);
  const stage = await findPace(subject, assumed);
  const runs = options.runs ?? usualRuns(stage.pace.releaseMs + assumed.watchMs);
  const tally = new Tally();
  for (let seed = from; seed < from + runs && options.signal?.aborted !== true; seed += 1) {
    const run = await runDrill({ subject, drawn: draw(subject, assumed, stage, seed) });
    tally.add(run, troublesOf(run, subject, assumed));
    options.progress?.(tally.runs, runs, tally.bad);
  }
  const { findings } = tally;
  // What is shown is what convicts the file itself, before what broke most often.
  const shown = findings.toSorted(
    (a, b) => Number(isOwnFault(a.kind)) - Number(isOwnFault(b.kind)) || b.runs - a.runs,
  )[0];
  // Who asks for one run wants to see it, whatever came of it.
  const toTell = runs === 1 ? from : shown?.seed;
  return {
    ...{ application: subject.application, environment: subject.environment, source: subject.source },
    ...{ runs: tally.runs, bad: tally.bad, good: tally.runs - tally.bad },
    ...{ findings, drills: tally.drills, turnedBack: tally.turnedBack, wayBack: tally.wayBack },
    worst: { capacity: tally.capacity, wait: tally.wait },
    requests: { started: tally.started, failed: tally.failed },
    faults: tally.faults,
    releaseMs: stage.pace.releaseMs,
    virtualHours: Math.round(tally.virtualMs / 36_000) / 100,
    assumptions: assumed,
    assumed: assumptionWords(assumed, told, subject),
    notes: notesOf(subject, unknown),
    story: toTell === undefined ? null : await tell(subject, draw(subject, assumed, stage, toTell)),
  };
}

interface StageSet {
  readonly pace: Pace;
  readonly requestEveryMs: number;
  readonly limitMs: number;
}

const draw = (subject: Subject, assumed: Assumptions, stage: StageSet, seed: number): DrawnDrill =>
  drawDrill(subject, assumed, { seed, ...stage });

/** Plays the release on a good day: until the old version stands, then to its end. */
async function findPace(subject: Subject, assumed: Assumptions): Promise<StageSet> {
  const limitMs = 60 * MINUTE + plannedMs(subject) * 1.2;
  const set = { requestEveryMs: EVERY_MS.pace, limitMs };
  // Nobody goes back on the first day of the round.
  const calm = async (played: Subject, pace: Pace): Promise<DrillRun> =>
    await runDrill({ subject: played, drawn: drawDrill(played, assumed, { seed: 1, pace, ...set }) });
  let standsMs = 0;
  if (subject.from !== null) {
    const first = await calm({ ...subject, from: null, to: { ...subject.from, gates: [] } }, UNKNOWN_PACE);
    standsMs = first.measures.endedAtMs ?? UNKNOWN_PACE.standsMs;
  }
  const { measures, drawn } = await calm(subject, { ...UNKNOWN_PACE, standsMs });
  const endMs = measures.endedAtMs ?? drawn.fromMs + limitMs;
  const releaseMs = endMs - drawn.fromMs;
  const busyMs = standsMs + releaseMs + assumed.watchMs / 4;
  return {
    pace: {
      ...{ standsMs, releaseMs },
      moments: [...new Set(measures.moments.map((at) => Math.round(at - drawn.fromMs)))].filter(
        (at) => at <= releaseMs,
      ),
    },
    requestEveryMs: Math.round(Math.min(EVERY_MS.most, Math.max(EVERY_MS.least, busyMs / REQUESTS))),
    limitMs: assumed.watchMs + 4 * releaseMs + 20 * MINUTE,
  };
}

/** What the file itself asks to wait. */
function plannedMs({ to }: Subject): number {
  const gates = to.gates.map(({ interval, successes, soak }) =>
    soak === undefined ? durationMs(interval) * successes : 0,
  );
  return (
    longestSoakMs(to) * ((to.strategy.canary?.weights.length ?? 0) + to.gates.length) +
    Math.min(24 * 60 * MINUTE, Math.max(0, ...gates))
  );
}

async function tell(subject: Subject, drawn: DrawnDrill): Promise<NonNullable<RehearsalReport['story']>> {
  const story = new Story(drawn.fromMs);
  const { outcome } = await runDrill({ subject, drawn, also: story, trace: true });
  return { seed: drawn.seed, drill: drawn.drill.name, lines: story.with(outcome.trace) };
}

const isOwnFault = (kind: string): boolean =>
  kind === 'promise' || kind === 'stuck' || kind === 'floor' || kind === 'requestsFailed';

function notesOf({ to, environmentSpec }: Subject, unknown: readonly string[]): string[] {
  const asksNothing = to.gates.every(({ http, command }) => http === undefined && command === undefined);
  return [
    ...unknown.map(
      (name) =>
        `what gate ${name} is answered is not known; it is taken to pass where the new version is good (--assume FILE, gates.${name})`,
    ),
    ...(asksNothing ? ['no gate asks the new version anything: one that answers errors is released'] : []),
    ...(environmentSpec.clusters.length > 1
      ? [`${environmentSpec.clusters.length} clusters are rehearsed as one`]
      : []),
    ...(Object.values(to.workloads).some(({ type }) => type === 'worker')
      ? ['the work of workers is not rehearsed, only that they are there']
      : []),
  ];
}
