import { cleanLine } from '../terminal/clean.ts';
import { type Paint, PLAIN } from '../terminal/paint.ts';
import { formatMs } from '../text/words.ts';
import { outcomeLines } from './outcome.ts';
import { headline } from './render-release.ts';
import { type Row, stageRows } from './rows.ts';
import { hasEnded, type ReleaseView, type StageView, stageViews } from './view.ts';

/**
 * For places where lines cannot be redrawn: what is worth one line and has not been said yet. `said` holds
 * the keys of what was; it is added to. Pure but for that.
 */
export function newEvents(view: ReleaseView, said: Set<string>, now: number, paint: Paint = PLAIN): string[] {
  const lines: string[] = [];
  const say = (key: string, ...text: readonly string[]): void => {
    if (said.has(key)) return;
    said.add(key);
    lines.push(...text);
  };
  const { release } = view;
  const { status } = release;
  say('headline', headline(release, paint));
  const turning = `↩ turning back: ${brief(status?.failure?.message ?? 'as asked')}`;
  const { from, to, replicas, workloads } = release.spec;
  const context = { from, to, replicas, workloads, now };
  for (const stage of stageViews(view)) {
    // What is known of gates comes on a way of its own, and may be later than the stage that asked them.
    if (!hasEnded(release) && gatesUnheard(stage, now)) return lines;
    // After the stage that it ended.
    if (stage.back) say('back', turning);
    const [own, ...gates] = stageRows(atItsEnd(stage), context);
    if (own === undefined) continue;
    const key = `${stage.back}/${stage.stage.number}`;
    // What is heard of a gate when its stage has been told already says where it belongs.
    const isTold = said.has(`${key}/${own.label}/done`) || said.has(`${key}/${own.label}/skipped`);
    const late = isTold ? ` of stage ${stage.stage.number}` : '';
    // Gates end before the stage that asks them: said in the order in which it happened.
    for (const row of gates) {
      const line = eventLine({ ...row, label: `${row.label}${late}` });
      if (line !== null) say(`${key}/${row.label}/${row.sign}`, line);
    }
    const line = stage.status?.state === 'gatesBefore' ? null : eventLine(own);
    if (line !== null) say(`${key}/${own.label}/${own.sign}`, line);
    const still = stage.status?.state === 'running' ? stillLine(own) : null;
    if (still !== null) say(`${key}/${own.label}/still/${still.times}`, still.line);
  }
  if (status?.direction === 'back') say('back', turning);
  if (hasEnded(release)) say('ended', ...outcomeLines(release, now, paint));
  else say(`waiting/${status?.waiting.message}`, ...outcomeLines(release, now, paint));
  return lines;
}

/** A stage that waits at its end is done: what it waits for is said apart. */
function atItsEnd(view: StageView): StageView {
  const { status } = view;
  return status?.state === 'waiting' && status.startedAt !== null
    ? { ...view, status: { ...status, state: 'done' } }
    : view;
}

/** Work that has said nothing for so long says how it stands, ms; then after twice the time, and twice that. */
const STILL_MS = 10_000;

function stillLine({ label, detail, ms }: Row): { readonly times: number; readonly line: string } | null {
  if (ms === null || ms < STILL_MS || detail === '') return null;
  const times = Math.floor(Math.log2(ms / STILL_MS));
  return { times, line: `  … ${label}: ${detail} (${formatMs(STILL_MS * 2 ** times)})` };
}

/** Longest time for which a stage's line waits for those of its gates, ms. */
const HEARD_MS = 1_000;

function gatesUnheard({ stage, status, gatesBefore, gatesAfter }: StageView, now: number): boolean {
  // Waiting at its end it has none yet: what it waits for comes behind its gates all the same.
  if (status?.state !== 'done' || status.endedAt === null) return false;
  const heard = [...gatesBefore, ...gatesAfter].filter((run) => run.status?.verdict != null);
  const asked = stage.gatesBefore.length + stage.gatesAfter.length;
  return heard.length < asked && Math.abs(now - Date.parse(status.endedAt)) < HEARD_MS;
}

/** What happened, without its particulars: the end says those, once. */
const brief = (message: string): string => cleanLine(message).split(': ', 1)[0] ?? '';

/** `✓ 2 green 4, blue 2: 67 % on r2, flip 0.3 ms, proof 20/20 (1.1 s)`; null for what has not begun. */
function eventLine(row: Row): string | null {
  const indent = '  '.repeat(row.depth + 1);
  const facts = [typeof row.middle === 'string' ? row.middle : '', row.detail].filter((text) => text !== '');
  const time = row.ms === null ? '' : ` (${formatMs(row.ms)})`;
  switch (row.sign) {
    case 'done':
      return `${indent}✓ ${row.label}: ${facts.join(', ') || 'done'}${time}`;
    case 'failed':
      return `${indent}✗ ${row.label}: ${brief(row.detail)}${time}`;
    case 'running':
      return row.depth === 0 ? `${indent}● ${row.label}: begun` : null;
    case 'skipped':
      return `${indent}- ${row.label}: ${row.detail}`;
    case 'waiting':
    case 'pending':
      return null;
  }
}
