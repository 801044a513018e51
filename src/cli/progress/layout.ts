import { displayWidth, pad, truncate } from '../terminal/display-width.ts';
import type { Paint } from '../terminal/paint.ts';
import { formatMs } from '../text/words.ts';
import type { Row, Sign } from './rows.ts';

const SIGNS: Readonly<Record<Sign, string>> = {
  done: '✓',
  running: '●',
  waiting: '◌',
  pending: '·',
  failed: '✗',
  skipped: '-',
};
const BAR = 15;
/** Narrower terminals lose the middle column: the label and the detail say what matters. */
const NARROW = 60;

/** Lays rows out in columns: sign and label, middle, detail, time. No line is wider than `width` cells. */
export function layOut(rows: readonly Row[], width: number, paint: Paint): string[] {
  const labels = rows.map((row) => `${'  '.repeat(row.depth + 1)}${SIGNS[row.sign]} ${row.label}`);
  const times = rows.map((row) => (row.ms === null ? '' : formatMs(row.ms)));
  const middles = rows.map((row) => middleText(row.middle));
  const labelWidth = Math.min(widest(labels), Math.max(16, Math.floor(width * 0.4)));
  const timeWidth = widest(times);
  const middleWidth = width < NARROW ? 0 : widest(middles);
  const gap = middleWidth === 0 ? 0 : middleWidth + 2;
  const room = Math.max(0, width - labelWidth - 2 - gap - timeWidth - 2);
  // The time stands beside the details, not at the far end of a wide terminal.
  const detailWidth = Math.min(room, widest(rows.map((row) => row.detail)));

  return rows.map((row, at) => {
    const label = paintLabel(row, pad(truncate(labels[at] ?? '', labelWidth), labelWidth), paint);
    const middle = row.middle === null || gap === 0 ? '' : pad(middles[at] ?? '', gap);
    const space = row.middle === null ? gap + detailWidth : detailWidth;
    const detail = pad(truncate(row.detail, space), space);
    const time = paint.dim(pad(times[at] ?? '', timeWidth, 'left'));
    return truncate(`${label}  ${middle}${paintDetail(row, detail, paint)}  ${time}`.trimEnd(), width);
  });
}

function middleText(middle: Row['middle']): string {
  if (middle === null || typeof middle === 'string') return middle ?? '';
  const full = Math.round(middle.fraction * BAR);
  return '█'.repeat(full) + '░'.repeat(BAR - full);
}

const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(displayWidth));

function paintLabel(row: Row, text: string, paint: Paint): string {
  const sign = SIGNS[row.sign];
  const coloured = { done: paint.good, running: paint.warn, waiting: paint.warn, failed: paint.bad };
  const colour = row.sign in coloured ? coloured[row.sign as keyof typeof coloured] : paint.dim;
  return text.replace(sign, colour(sign));
}

const paintDetail = (row: Row, text: string, paint: Paint): string =>
  row.sign === 'failed' ? paint.bad(text) : text;
