/** A line in a message is for people; the log has all of it. */
const LINE_LENGTH = 400;
/** A report of a crash that is this short, in lines, is read from its beginning. */
const REPORT_LINES = 12;

/** Where a stack leads through: one of them says enough. */
const FRAME = /^\s+at /;
/** What a runtime puts round its report and what says nothing alone. */
const NOISE = /^(Node\.js v\d\S*|[\s^~{}()[\]]*)$/;
/** `TypeError: …`, `java.io.IOException: …`, `Error [ERR_X]: …`, `panic: …`, `fatal error: …`. */
const HEADLINE =
  /^(\S.*\s)?([\w$.]*(Error|Exception)(\s\[\w+\])?:\s|panic: |panicked at |fatal( error)?: |error: )/i;

/**
 * The lines of a log's end that say why the process ended: the error's own line and what stands next to it,
 * without the stack that would push it out. Where no line looks like an error, what stands above the stack;
 * where there is no stack, the last lines.
 *
 * @param count lines at most
 */
export function logExcerpt(lines: readonly string[], count: number): string[] {
  const told: string[] = [];
  for (const line of lines) {
    if (NOISE.test(line)) continue;
    if (FRAME.test(line) && FRAME.test(told.at(-1) ?? '')) continue;
    told.push(line);
  }
  return around(told, headlineOf(told), count).map((line) => line.slice(0, LINE_LENGTH));
}

/** Index of the line that names the error; -1 where none does. */
function headlineOf(told: readonly string[]): number {
  const named = told.findLastIndex((line) => HEADLINE.test(line));
  return named === -1 ? told.findLastIndex((line) => FRAME.test(line)) - 1 : named;
}

function around(told: readonly string[], headline: number, count: number): string[] {
  const below = told.length - headline;
  if (headline < 0 || below <= count) return told.slice(-count);
  if (below <= REPORT_LINES) return told.slice(headline, headline + count);
  return [told[headline] ?? '', '…', ...told.slice(2 - count)];
}
