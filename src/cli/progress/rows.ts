import type { GateRun } from '../../api/execution.ts';
import { formatDuration } from '../../lib/durations.ts';
import { cleanLine } from '../terminal/clean.ts';
import { capacityWords, type StageSizes, stageOutcome, trafficWords } from '../text/plan-words.ts';
import { formatMs, shortRevision, withoutTime } from '../text/words.ts';
import type { StageView } from './view.ts';

export type Sign = 'done' | 'running' | 'waiting' | 'pending' | 'failed' | 'skipped';

/** One line of the tree before it is laid out. */
export interface Row {
  readonly depth: 0 | 1;
  readonly sign: Sign;
  readonly label: string;
  /** What the stage leads to, or how far it is. Null: the detail takes this column too. */
  readonly middle: string | { readonly fraction: number } | null;
  readonly detail: string;
  readonly ms: number | null;
}

export interface RowContext extends StageSizes {
  /** Revisions by name. */
  readonly from: string | null;
  readonly to: string;
  readonly now: number;
}

/** A stage's line, and one for each gate that was asked. */
export function stageRows(view: StageView, context: RowContext): Row[] {
  return [
    stageRow(view, context),
    ...[...view.gatesBefore, ...view.gatesAfter].map((run) => gateRow(run, context.now)),
  ];
}

function stageRow(view: StageView, context: RowContext): Row {
  const { stage, status } = view;
  const base = {
    depth: 0,
    label: `${view.back ? '↩ ' : ''}${stage.number} ${cleanLine(stage.title)}`,
    ms: elapsed(status, context.now),
  } as const;
  const outcome = stageOutcome(stage, context);
  const traffic = view.beforeFlip ? 'no traffic yet' : shareWords(view, outcome.share, context);
  switch (status?.state ?? 'pending') {
    case 'done':
      return { ...base, sign: 'done', ...doneWords(view, capacityWords(outcome), traffic) };
    case 'running':
      return {
        ...base,
        sign: 'running',
        middle: { fraction: fractionDone(view) },
        detail: runningWords(view),
      };
    case 'gatesBefore':
    case 'gatesAfter':
      return {
        ...base,
        sign: 'running',
        middle: capacityWords(outcome),
        detail: message(view) || (gatesOf(view).length === 0 ? 'goes on' : 'asking its gates'),
      };
    case 'waiting':
      return {
        ...base,
        sign: 'waiting',
        middle: capacityWords(outcome),
        detail: message(view) || waitWords(view),
      };
    case 'failed':
      // The engine ends a stage that was under way when somebody stopped the release: nothing failed in it.
      return view.stoppedBy === null
        ? { ...base, sign: 'failed', middle: capacityWords(outcome), detail: message(view) || 'failed' }
        : { ...base, sign: 'skipped', middle: capacityWords(outcome), detail: view.stoppedBy };
    case 'skipped':
      return { ...base, sign: 'skipped', middle: '', detail: message(view) || 'not needed' };
    case 'pending':
      return { ...base, sign: 'pending', middle: capacityWords(outcome), detail: '', ms: null };
  }
}

function shareWords({ back }: StageView, onNew: number | null, { from, to }: RowContext): string {
  if (onNew === null) return '';
  return back ? trafficWords(100 - onNew, shortRevision(from)) : trafficWords(onNew, shortRevision(to));
}

/** Those that its state is about. */
const gatesOf = ({ stage, status }: StageView) =>
  status?.state === 'gatesBefore' ? stage.gatesBefore : stage.gatesAfter;

/** It is done, and the next one does not begin by itself yet. */
function waitWords({ stage }: StageView): string {
  switch (stage.advance.kind) {
    case 'manual':
      return 'done, waits for promote';
    case 'soak':
      return `done, watched for ${formatDuration(stage.advance.ms)}`;
    default:
      return 'waiting';
  }
}

/** A flip shows the traffic and its times; without one, the capacity and the traffic. */
function doneWords({ status }: StageView, capacity: string, traffic: string): Pick<Row, 'middle' | 'detail'> {
  const drain = status?.drain ?? null;
  const drained =
    drain === null ? '' : `drained in ${formatMs(drain.ms)}${drain.cut > 0 ? `, ${drain.cut} cut` : ''}`;
  const flip = status?.flip ?? null;
  if (flip === null) return { middle: capacity, detail: drained || traffic };
  const proof = flip.proof === '' ? '' : `, proof ${cleanLine(flip.proof)}`;
  return { middle: traffic, detail: `flip ${formatMs(flip.flipMs)}${proof}` };
}

function gateRow(run: GateRun, now: number): Row {
  const { status } = run;
  const verdict = status?.verdict ?? null;
  const sign: Sign =
    verdict === null
      ? status?.state === 'running'
        ? 'running'
        : 'waiting'
      : verdict === 'pass'
        ? 'done'
        : verdict === 'skipped' || isLeft(status)
          ? 'skipped'
          : 'failed';
  const words = withoutTime(cleanLine(status?.message ?? ''));
  const by = status?.by == null ? '' : ` by ${cleanLine(status.by)}`;
  // A person says no; only a machine's answer fails.
  const said = verdict === 'fail' && by !== '' ? 'rejected' : verdict;
  const more = words === '' || words === `${verdict}${by}` ? '' : `: ${words}`;
  return {
    depth: 1,
    sign,
    label: `gate ${run.spec.gate.name}`,
    middle: null,
    // The verdict in words too, where the message does not make it plain.
    detail: sign === 'done' || verdict === null || isLeft(status) ? words : `${said}${by}${more}`,
    ms: elapsed(status, now),
  };
}

/** Nobody failed it: the release went on without its answer. */
const isLeft = (status: GateRun['status']): boolean =>
  status?.verdict === 'inconclusive' && status.by === 'slipway';

const message = ({ status }: StageView): string => cleanLine(status?.message ?? '');

/** What the first instruction that runs says of itself; the stage's own message otherwise. */
function runningWords(view: StageView): string {
  const instructions = view.executions.flatMap((execution) => execution.status?.instructions ?? []);
  const running = instructions.find((one) => one.state === 'running' && one.message !== '');
  return cleanLine(running?.message ?? '') || message(view);
}

/** Part of the instructions that are done, 0 to 1; one that runs counts by the instances it names. */
function fractionDone(view: StageView): number {
  const wanted = Math.max(1, view.stage.instructions.length * Math.max(1, view.executions.length));
  let done = 0;
  for (const execution of view.executions) {
    for (const instruction of execution.status?.instructions ?? []) {
      if (instruction.state === 'done') done += 1;
      else if (instruction.state === 'running') done += partOf(instruction.evidence);
    }
  }
  return Math.min(1, done / wanted);
}

function partOf(evidence: Readonly<Record<string, unknown>>): number {
  const { ready, wanted } = evidence;
  if (typeof ready !== 'number' || typeof wanted !== 'number' || wanted <= 0) return 0;
  return Math.min(1, Math.max(0, ready / wanted));
}

function elapsed(
  status: { readonly startedAt: string | null; readonly endedAt: string | null } | undefined,
  now: number,
): number | null {
  if (status == null || status.startedAt === null) return null;
  const end = status.endedAt === null ? now : Date.parse(status.endedAt);
  return Math.max(0, end - Date.parse(status.startedAt));
}
