import { cleanLine } from './clean.ts';
import { displayWidth, pad } from './display-width.ts';

/** Columns as kubectl lays them out: three spaces apart, the last one as long as it likes. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = [header, ...rows.map((row) => row.map((cell) => cleanLine(cell) || '-'))];
  const widths = header.map((_, at) => Math.max(...cells.map((row) => displayWidth(row[at] ?? ''))));
  return cells.map((row) =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : pad(cell, widths[at] ?? 0)))
      .join('   ')
      .trimEnd(),
  );
}
