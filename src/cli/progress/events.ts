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
    const rows = stageRows(stage, context);
    // Gates end before the stage that asks them: said in the order in which it happened.
    for (const row of [...rows.slice(1), ...rows.slice(0, 1)]) {
      const line = eventLine(row);
      if (line !== null) say(`${stage.back}/${stage.stage.number}/${row.label}/${row.sign}`, line);
    }
  }
  if (status?.direction === 'back') say('back', turning);
  if (hasEnded(release)) say('ended', ...outcomeLines(release, now, paint));
  else say(`waiting/${status?.waiting.message}`, ...outcomeLines(release, now, paint));
  return lines;
}

/** Longest time for which a stage's line waits for those of its gates, ms. */
const HEARD_MS = 1_000;

function gatesUnheard({ stage, status, gatesBefore, gatesAfter }: StageView, now: number): boolean {
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
