import type { Waiting } from '../../api/release.ts';
import { formatDuration } from '../../lib/durations.ts';
import { clean, cleanLine } from '../terminal/clean.ts';
import { type Paint, PLAIN } from '../terminal/paint.ts';
import { formatInstant, inReadersClock } from './words.ts';

/** What the manager answers to `why`. */
export interface WhyAnswer {
  readonly sentence: string;
  readonly lines: readonly string[];
  readonly waiting: Waiting | null;
}

/** The sentence first, then the commands that change something, then since when and until when. */
export function whyText(why: WhyAnswer, now: number, paint: Paint = PLAIN): string[] {
  const { waiting } = why;
  const said = [why.sentence, ...why.lines].join('\n');
  // A change in place is named by its digest and what it changes, which the sentence alone may not have.
  const named =
    waiting === null || waiting.message === '' || said.includes(waiting.message)
      ? []
      : [cleanLine(inReadersClock(waiting.message, now))];
  const commands = (waiting?.commands ?? []).filter((command) => !said.includes(command));
  return [
    paint.strong(cleanLine(inReadersClock(why.sentence, now))),
    ...named,
    ...why.lines.map((line) => clean(inReadersClock(line, now))),
    ...commands.map((command) => `  ${cleanLine(command)}`),
    ...(waiting === null || waiting.for === 'nothing' || said.includes('Since ')
      ? []
      : [times(waiting, now)]),
  ];
}

/** `Since 14:02 (18 min). Expires tomorrow 14:02, then aborts.` */
function times(waiting: Waiting, now: number): string {
  const age = formatDuration(Math.max(0, now - Date.parse(waiting.since)));
  const since = `Since ${formatInstant(waiting.since, now)} (${age}).`;
  if (waiting.expiresAt === null) return since;
  const then = waiting.onExpiry === null ? '' : `, then ${cleanLine(waiting.onExpiry)}`;
  return `${since} Expires ${formatInstant(waiting.expiresAt, now)}${then}.`;
}
