import { formatDuration } from '../../api/duration.ts';
import { hasEnded } from '../../engine/release/state.ts';
import type { Assumptions } from './assumptions.ts';
import { toldAnswer } from './cast.ts';
import { isCalm } from './drills.ts';
import { goodAnswer } from './gate-answers.ts';
import type { Measures } from './measures.ts';
import type { DrillRun } from './run-drill.ts';
import type { Subject } from './side.ts';
import { OWN_FAULT, type Trouble } from './trouble.ts';

const NEVER_BEGAN: Trouble = {
  ...{ kind: 'stuck', place: 'release', atMs: 0, count: 1 },
  message: 'The release never began.',
  next: OWN_FAULT,
};

/** A good version on a day on which nothing breaks is to be released. */
export function endTroubles(
  { drawn, measures }: DrillRun,
  subject: Subject,
  assumed: Assumptions,
): Trouble[] {
  const { release, gates } = measures;
  const phase = release?.status?.phase ?? 'Pending';
  if (phase === 'Succeeded') return [];
  if (!isCalm(drawn.drill)) return release === undefined ? [NEVER_BEGAN] : [];
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
        message: `The release does not succeed even where nothing breaks: ${(why ?? 'it never began').replace(/\.$/, '')}.`,
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
