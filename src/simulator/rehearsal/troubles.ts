import { formatDuration } from '../../api/duration.ts';
import { retentionOf } from '../../engine/plan/steps.ts';
import { hasEnded } from '../../engine/release/state.ts';
import type { FailedRequest } from '../ledger.ts';
import type { Assumptions } from './assumptions.ts';
import { toldAnswer } from './cast.ts';
import { isCalm } from './drills.ts';
import { goodAnswer } from './gate-answers.ts';
import type { Measures } from './measures.ts';
import type { DrillRun } from './run-drill.ts';
import { keepsWarm, type Subject } from './side.ts';

export type TroubleKind =
  | 'requestsCut'
  | 'servesLate'
  | 'requestsFailed'
  | 'gateNeverPasses'
  | 'cannotSucceed'
  | 'wayBackCold'
  | 'floor'
  | 'stuck'
  | 'promise';

/** A promise that one run broke. What is the same in many runs has the same kind and place. */
export interface Trouble {
  readonly kind: TroubleKind;
  /** Where it lies: a field of the file, a gate, a rule. */
  readonly place: string;
  readonly message: string;
  /** What mends it. */
  readonly next: string;
  readonly atMs: number;
  /** How much of it: requests, ms. */
  readonly count: number;
}

/** Everything that went wrong in a run and that nothing excuses. */
export function troublesOf(run: DrillRun, subject: Subject, assumed: Assumptions): Trouble[] {
  return [
    ...requestTroubles(run.measures.failures, subject, assumed),
    ...endTroubles(run, subject, assumed),
    ...wayBackTroubles(run.measures, subject, assumed),
    ...floorTroubles(run),
    ...ruleTroubles(run),
  ];
}

function requestTroubles(
  failures: readonly FailedRequest[],
  subject: Subject,
  assumed: Assumptions,
): Trouble[] {
  const troubles: Trouble[] = [];
  const add = (
    kind: TroubleKind,
    some: readonly FailedRequest[],
    words: (workload: string) => Omit<Trouble, 'kind' | 'atMs' | 'count'>,
  ) => {
    for (const [service, all] of Object.entries(Object.groupBy(some, (each) => each.service)))
      troubles.push({
        kind,
        ...words(service.split('/').at(-1) ?? service),
        atMs: all?.[0]?.atMs ?? 0,
        count: all?.length ?? 0,
      });
  };
  const cut = failures.filter(({ excuse }) => excuse === 'drain cap reached');
  const late = failures.filter(({ cause }) => cause === 'error');
  const plain = failures.filter(({ cause, excuse }) => cause !== 'error' && excuse === null);
  add('requestsCut', cut, (workload) => {
    const drain = subject.to.workloads[workload]?.drain;
    const longest = formatDuration(assumed.longestRequestMs);
    const grace = assumed.finishesAtTerm ? ` and drain.grace ${drain?.grace}` : '';
    return {
      place: `${workload}.drain.timeout`,
      message: `Requests were cut at the drain cap: drain.timeout of ${workload} is ${drain?.timeout}${grace}, and a request may take ${longest}.`,
      next: `Set drain.timeout of ${workload} to more than ${longest}.`,
    };
  });
  add('servesLate', late, (workload) => {
    const { readiness } = subject.to.workloads[workload] ?? {};
    const probe =
      readiness?.http === undefined
        ? 'The readiness probe'
        : `The readiness probe GET ${readiness.http.path}`;
    return {
      place: `${workload}.readiness`,
      message: `${probe} of ${workload} passes ${formatDuration(assumed.lateMs)} before it serves: requests reached instances that only answered errors.`,
      next: `Let the probe pass only when ${workload} serves. If GET of its route answers 5xx until then, Slipway's proof waits: tell it with --proof-notices.`,
    };
  });
  add('requestsFailed', plain, (workload) => ({
    place: `${workload}: ${[...new Set(plain.map(({ cause }) => cause))].join(', ')}`,
    message: `Requests to ${workload} failed and nothing excuses it: ${plain[0]?.cause}, ${plain[0]?.detail}.`,
    next: 'This is a fault of Slipway: please report it with the file and the seed.',
  }));
  return troubles;
}

/** A good version on a day on which nothing breaks is to be released. */
function endTroubles({ drawn, measures }: DrillRun, subject: Subject, assumed: Assumptions): Trouble[] {
  const { release, gates } = measures;
  const phase = release?.status?.phase ?? 'Pending';
  if (!isCalm(drawn.drill) || phase === 'Succeeded') return [];
  // Why requests failed is told by cause.
  if (release?.status?.failure?.reason === 'failedRequests' && measures.failures.length > 0) return [];
  const atMs = measures.endedAtMs ?? 0;
  const refusing = Object.entries(gates).find(([, { asked, passed }]) => asked > 0 && passed === 0);
  const named = refusing ?? openGate(measures);
  if (named === undefined) {
    const why = hasEnded(phase)
      ? (release?.status?.failure?.message ?? release?.status?.turn?.why ?? phase)
      : release?.status?.waiting.message;
    return [
      {
        ...{ kind: 'cannotSucceed', place: 'release', atMs, count: 1 },
        message: `The release does not succeed even where nothing breaks: ${why ?? 'it never began'}.`,
        next: 'Mend what it names, and rehearse again.',
      },
    ];
  }
  const [name, { message }] = named;
  const gate = subject.to.gates.find((each) => each.name === name);
  const known = gate === undefined ? undefined : goodAnswer(gate, toldAnswer(assumed.gates[name]));
  const why = known?.state === 'never' ? known.why : message;
  return [
    {
      ...{ kind: 'gateNeverPasses', place: `gate ${name}`, atMs, count: 1 },
      message: `Gate ${name} cannot pass, not even where nothing breaks: ${why}${gate === undefined ? '' : patience(gate)}.`,
      next: `Mend gate ${name}, or tell what it is answered: --assume FILE with gates.${name}.`,
    },
  ];
}

/** A gate that is still being asked when patience is over. */
function openGate({ release, askedForMs }: Measures): [string, { message: string }] | undefined {
  const status = release?.status;
  if (status === undefined || hasEnded(status.phase) || status.waiting.for !== 'gate') return undefined;
  const name = Object.keys(status.gateRuns)[0];
  const message = `it is still being asked after ${formatDuration(askedForMs)}`;
  return name === undefined ? undefined : [name, { message }];
}

const patience = ({ timeout, interval, successes, failureLimit }: Subject['to']['gates'][number]): string =>
  ` (timeout ${timeout}, interval ${interval}, ${successes} in a row to pass, ${failureLimit} to fail)`;

function wayBackTroubles({ wayBack }: Measures, { to }: Subject, { watchMs }: Assumptions): Trouble[] {
  const retention = retentionOf(to.strategy);
  if (wayBack === null || retention === null || !keepsWarm(to) || wayBack.wasWarm) return [];
  if (watchMs === 0 || wayBack.afterMs > watchMs) return [];
  const took =
    wayBack.tookMs === null
      ? 'did not come to its end'
      : `took ${formatDuration(wayBack.tookMs)} instead of one flip`;
  const kept = formatDuration(retention.ms);
  return [
    {
      ...{
        kind: 'wayBackCold',
        place: 'strategy.retention.time',
        atMs: 0,
        count: Math.round(wayBack.tookMs ?? 0),
      },
      message: `Going back while people still watch is no single flip: the old version is kept warm for ${kept}, and it is watched for ${formatDuration(watchMs)}. Asked for ${formatDuration(wayBack.afterMs)} after the release, the way back had to start it again and ${took}.`,
      next: `Set retention.time to at least ${formatDuration(watchMs)}, or say with --watched-for how long people watch.`,
    },
  ];
}

/** Fewer serve than the file allows, and nobody died. */
function floorTroubles({ drawn, measures, outcome }: DrillRun): Trouble[] {
  const { lowest } = measures;
  const mayDie = drawn.drill.ailment === 'crashesLater' || (outcome.faults.killInstance ?? 0) > 0;
  if (lowest === null || lowest.serving >= lowest.of || mayDie) return [];
  return [
    {
      ...{ kind: 'floor', place: lowest.workload, atMs: lowest.atMs, count: lowest.of - lowest.serving },
      message: `Only ${lowest.serving} instances of ${lowest.workload} served where the file asks for ${lowest.of}, and none had died.`,
      next: 'This is a fault of Slipway: please report it with the file and the seed.',
    },
  ];
}

function ruleTroubles({ outcome }: DrillRun): Trouble[] {
  return (
    outcome.violations
      // Told above, by cause.
      .filter(({ rule, message }) => rule !== 'LEDGER' || !message.startsWith('a request to'))
      .map(({ rule, message, atMs }) => ({
        ...{
          kind: rule === 'INV-28' ? ('stuck' as const) : ('promise' as const),
          place: rule,
          atMs,
          count: 1,
        },
        message:
          rule === 'INV-28'
            ? `Something got stuck: ${message}.`
            : `A promise of Slipway itself was broken (${rule}): ${message}.`,
        next: 'This is a fault of Slipway: please report it with the file and the seed.',
      }))
  );
}
