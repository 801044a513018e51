import { durationMs } from '../../api/duration.ts';
import type { Gate } from '../../api/gate.ts';
import { GOOD_PROGRAM, type PreviewedAnswer, type Program } from '../program.ts';
import type { Scenario } from '../scenario.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { Assumptions } from './assumptions.ts';
import type { Ailment } from './drills.ts';
import { type GateAnswer, goodAnswer, passes } from './gate-answers.ts';
import { programName, type Side, type SideWorkload, type Subject } from './side.ts';

const OK: GateAnswer = { status: 200, headers: {}, body: '' };
/** Stands in for an expression over an answer that nobody told. */
const STAND_IN = 'response.status == 200';

/** Who plays what: the programs of both builds, and what gates ask outside. */
export interface Cast extends Pick<Scenario, 'programs' | 'services' | 'commands'> {}

/** The subject with gates that can be asked here, and the names of those whose answer nobody knows. */
export function withKnownGates(
  subject: Subject,
  told: Assumptions['gates'],
): { subject: Subject; unknown: string[] } {
  const unknown: string[] = [];
  const gates = subject.to.gates.map((gate): Gate => {
    const { http } = gate;
    if (http === undefined || goodAnswer(gate, toldAnswer(told[gate.name])).state !== 'unknown') return gate;
    unknown.push(gate.name);
    return { ...gate, http: { ...http, expect: STAND_IN } };
  });
  return { subject: { ...subject, to: { ...subject.to, gates } }, unknown };
}

export function castOf(
  subject: Subject,
  assumed: Assumptions,
  { ailment, random }: { ailment: Ailment; random: SeededRandom },
): Cast {
  const programs: Record<string, Program> = {};
  const good = (side: Side, workload: SideWorkload): Program => ({
    ...GOOD_PROGRAM,
    startMs: assumed.startMs,
    slowMs: assumed.longestRequestMs,
    requestMs: Math.min(GOOD_PROGRAM.requestMs, assumed.longestRequestMs),
    finishesAtTerm: assumed.finishesAtTerm,
    ...(assumed.proofNotices ? { serveMs: assumed.lateMs } : { lateMs: assumed.lateMs }),
    job: { ms: assumed.startMs, exitCode: 0 },
    answers: workload.type === 'service' ? previewAnswers(side.gates, assumed) : {},
  });
  for (const [name, workload] of Object.entries(subject.from?.workloads ?? {}))
    programs[programName(name, 'old')] = good(subject.from ?? subject.to, workload);
  for (const [name, workload] of Object.entries(subject.to.workloads))
    programs[programName(name, 'new')] = ailing(good(subject.to, workload), workload, ailment, random);
  const pass = ailment === 'failsGates' ? 0 : ailment === 'gatesWaver' ? 0.7 : 1;
  const asks = subject.to.gates;
  return {
    programs,
    services: Object.fromEntries(
      asks.flatMap(({ name, http }) =>
        http?.url === undefined
          ? []
          : [
              [
                new URL(http.url).href,
                { answerMs: takesMs(name, assumed), passes: pass, good: answerOf({ name, http }, assumed) },
              ],
            ],
      ),
    ),
    commands: Object.fromEntries(
      asks.flatMap(({ name, command }) =>
        command === undefined
          ? []
          : [[command.argv.join(' '), { answerMs: takesMs(name, assumed), passes: pass }]],
      ),
    ),
  };
}

function ailing(good: Program, { readiness }: SideWorkload, ailment: Ailment, random: SeededRandom): Program {
  const limitMs = durationMs(readiness?.startTimeout ?? '60s');
  switch (ailment) {
    case 'none':
      return good;
    case 'slow':
      // Up to just within its start timeout, since beyond it is the next one's matter. Starts vary by a third.
      return {
        ...good,
        startMs: Math.max(good.startMs, Math.min(good.startMs * (2 + 4 * random.next()), limitMs / 1.5)),
      };
    case 'neverReady':
      return { ...good, startMs: Number.POSITIVE_INFINITY };
    case 'crashesAtStart':
      return { ...good, crashesAtStart: true };
    case 'crashesLater':
      return { ...good, crashEveryMs: random.pick([4_000, 15_000]) };
    case 'failsGates':
      return { ...good, gateStatus: 500 };
    case 'gatesWaver':
      return { ...good, gateFlakiness: 0.3 };
  }
}

/** What the preview answers to the paths of gates; two that want different answers of one path share the first. */
function previewAnswers(gates: readonly Gate[], assumed: Assumptions): Record<string, PreviewedAnswer> {
  const answers: Record<string, PreviewedAnswer> = {};
  for (const gate of gates) {
    const path = gate.http?.path;
    if (gate.http === undefined || path === undefined) continue;
    const known = answers[path];
    if (known !== undefined && passes(gate.http.expect, known)) continue;
    answers[path] = { ...answerOf(gate, assumed), ms: takesMs(gate.name, assumed) };
  }
  return answers;
}

/** What was told, or what passes; where nothing does, an answer that is good as such. */
function answerOf(gate: Pick<Gate, 'name' | 'http'>, { gates }: Assumptions): GateAnswer {
  const told = toldAnswer(gates[gate.name]);
  if (told !== undefined) return told;
  const found = goodAnswer(gate);
  return found.state === 'found' ? found.answer : OK;
}

const takesMs = (name: string, { gates, gateMs }: Assumptions): number => {
  const takes = gates[name]?.takes;
  return takes === undefined ? gateMs : durationMs(takes);
};

/** Undefined where only its time was told, or nothing. */
export function toldAnswer(gate: Assumptions['gates'][string] | undefined): GateAnswer | undefined {
  if (gate === undefined) return undefined;
  const { status, headers, body, json } = gate;
  if (status === 200 && Object.keys(headers).length === 0 && body === undefined && json === undefined)
    return undefined;
  return { status, headers, body: body ?? (json === undefined ? '' : JSON.stringify(json)) };
}
