/**
 * How many terminal cells text takes, so that tables and progress stay in line with names in any script.
 * Covers what names and messages hold (CJK, emoji, combining marks); exotic sequences may count one too many,
 * which only moves a column.
 */

/** Ranges of code points that take two cells (Unicode East Asian Width W and F, joined where neighbours agree). */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x20000, 0x3fffd],
];
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]$/u;
const EMOJI = /^\p{Emoji_Presentation}$/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal escapes are control characters.
const ESCAPE = /\x1b\[[0-9;]*m/y;

function widthOf(character: string): 0 | 1 | 2 {
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0x20 && code < 0x7f) return 1;
  if (NO_WIDTH.test(character)) return 0;
  if (EMOJI.test(character) || WIDE.some(([from, to]) => code >= from && code <= to)) return 2;
  return 1;
}

/** Splits into characters and colour escapes; escapes have no width. */
function* pieces(text: string): Generator<{ readonly text: string; readonly width: number }> {
  for (let at = 0; at < text.length; ) {
    ESCAPE.lastIndex = at;
    const colour = ESCAPE.exec(text)?.[0];
    const piece = colour ?? String.fromCodePoint(text.codePointAt(at) ?? 0);
    yield { text: piece, width: colour === undefined ? widthOf(piece) : 0 };
    at += piece.length;
  }
}

/** Cells that the text takes on a terminal; colours take none. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const piece of pieces(text)) width += piece.width;
  return width;
}

/** The text in at most `width` cells, ending in `…` where it was cut. Colours that are open then are closed. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let result = '';
  let used = 0;
  let coloured = false;
  for (const piece of pieces(text)) {
    if (used + piece.width > width - 1) break;
    if (piece.text.startsWith('\x1b')) coloured = piece.text !== '\x1b[0m';
    result += piece.text;
    used += piece.width;
  }
  return width < 1 ? '' : `${result}…${coloured ? '\x1b[0m' : ''}`;
}

/** The text as lines of at most `width` cells, broken between words, each with the indent of the first. */
export function wrap(text: string, width: number): string[] {
  if (displayWidth(text) <= width) return [text];
  const indent = /^ */.exec(text)?.[0] ?? '';
  const lines: string[] = [];
  let line = indent;
  for (const word of text.slice(indent.length).split(' ')) {
    const longer = line === indent ? `${line}${word}` : `${line} ${word}`;
    if (displayWidth(longer) <= width || line === indent) line = longer;
    else {
      lines.push(line);
      line = `${indent}${word}`;
    }
  }
  // A single word that is too long has nowhere to break.
  return [...lines, line].map((one) => truncate(one, width));
}

/** Fills up with spaces to `width` cells; longer text stays as it is. */
export function pad(text: string, width: number, side: 'left' | 'right' = 'right'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return side === 'right' ? text + space : space + text;
}
