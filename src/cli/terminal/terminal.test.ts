import { describe, expect, test } from 'vitest';
import { clean, cleanLine } from './clean.ts';
import { displayWidth, pad, truncate } from './display-width.ts';
import { LiveRegion } from './live-region.ts';
import { COLOURED, wantsColour } from './paint.ts';
import { formatTable } from './table.ts';

describe('display width', () => {
  test.each<[string, number]>([
    ['shop', 4],
    ['商店', 4],
    ['é', 1],
    ['e\u0301', 1],
    ['🚀', 2],
    ['\x1b[31mred\x1b[0m', 3],
    ['→ ✓', 3],
    ['', 0],
  ])('%j takes %i', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  test.each<[string, number, string]>([
    ['shop-local-r2', 8, 'shop-lo…'],
    ['short', 8, 'short'],
    ['商店商店', 5, '商店…'],
    ['商店商店', 4, '商…'],
    ['\x1b[31mred and long\x1b[0m', 5, '\x1b[31mred …\x1b[0m'],
    ['x', 0, ''],
  ])('%j in %i cells', (text, width, expected) => {
    expect(truncate(text, width)).toBe(expected);
    expect(displayWidth(truncate(text, width))).toBeLessThanOrEqual(width);
  });

  test('padding counts cells, not characters', () => {
    expect(pad('商店', 6)).toBe('商店  ');
    expect(pad('12', 4, 'left')).toBe('  12');
  });
});

test.each<[string, string, string]>([
  ['colours and cursor moves', 'a\x1b[31mb\x1b[2Jc', 'abc'],
  ['the title of the window', 'a\x1b]0;pwned\x07b', 'ab'],
  ['a link', '\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\', 'text'],
  ['8-bit controls', 'a\u009b31mb', 'a31mb'],
  ['backspaces and bells', 'a\x08\x07b', 'ab'],
  ['carriage returns', 'good\rbad', 'goodbad'],
  ['direction overrides', 'a\u202egpj.exe', 'agpj.exe'],
  ['tabs and lines stay', 'a\tb\nc', 'a\tb\nc'],
])('text of others is cleaned of %s', (_, text, expected) => {
  expect(clean(text)).toBe(expected);
});

test('one line stays one line', () => {
  expect(cleanLine('  a\n  b\t c ')).toBe('a b c');
});

test.each<[string, { color: boolean }, Record<string, string>, boolean, boolean]>([
  ['a terminal', { color: true }, {}, true, true],
  ['a file', { color: true }, {}, false, false],
  ['--no-color', { color: false }, { FORCE_COLOR: '1' }, true, false],
  ['NO_COLOR', { color: true }, { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  ['an empty NO_COLOR is none', { color: true }, { NO_COLOR: '' }, true, true],
  ['FORCE_COLOR', { color: true }, { FORCE_COLOR: '1' }, false, true],
  ['a dumb terminal', { color: true }, { TERM: 'dumb' }, true, false],
])('colours: %s', (_, options, environment, terminal, expected) => {
  expect(wantsColour(options, environment, terminal)).toBe(expected);
});

test('a table is as wide as its widest cells', () => {
  expect(
    formatTable(
      ['NAME', 'PHASE', 'AGE'],
      [
        ['shop', 'Paused', '18m'],
        ['商店-long', '', '1s'],
      ],
    ),
  ).toEqual(['NAME        PHASE    AGE', 'shop        Paused   18m', '商店-long   -        1s']);
});

describe('a block that is drawn in place', () => {
  const screen = (columns = 40, rows = 10) => {
    const writes: string[] = [];
    const stream = { write: (text: string) => writes.push(text), columns, rows };
    return { writes, stream, region: new LiveRegion(stream) };
  };

  test('one write a frame, and only what changed', () => {
    const { region, writes } = screen();
    region.draw(['a', 'b']);
    region.draw(['a', 'c']);
    expect(writes).toEqual(['\x1b[Ja\x1b[K\nb\x1b[K\n', '\x1b[2A\r\nc\x1b[K\n']);
  });

  test('a shorter block clears what is below it', () => {
    const { region, writes } = screen();
    region.draw(['a', 'b']);
    region.draw(['a']);
    expect(writes.at(-1)).toBe('\x1b[2A\r\n\x1b[J');
  });

  test('lines never wrap, and a block never is taller than the screen', () => {
    const { region, writes } = screen(30, 6);
    region.draw(Array.from({ length: 20 }, (_, i) => `${i} ${'x'.repeat(50)}`));
    const lines = writes[0]?.split('\n').slice(0, -1) ?? [];
    expect(lines).toHaveLength(5);
    expect(lines[1]).toContain('16 lines above');
    for (const line of lines)
      expect(displayWidth(line.replace('\x1b[K', '').replace('\x1b[J', ''))).toBeLessThan(30);
  });

  test('a terminal that became narrower has wrapped the lines that were there', () => {
    const { region, writes, stream } = screen(40);
    region.draw(['x'.repeat(35)]);
    stream.columns = 20;
    region.draw(['y']);
    expect(writes.at(-1)).toBe('\x1b[2A\r\x1b[Jy\x1b[K\n');
  });

  test('the same frame again writes nothing, and a size of 0 is none', () => {
    const { region, writes } = screen(0, 0);
    region.draw(['x'.repeat(79)]);
    region.draw(['x'.repeat(79)]);
    expect(writes).toEqual([`\x1b[J${'x'.repeat(79)}\x1b[K\n`]);
  });

  test('after the end the next frame begins below', () => {
    const { region, writes } = screen();
    region.draw(['a']);
    region.finish();
    region.draw(['b']);
    expect(writes.at(-1)).toBe('b\x1b[K\n');
  });
});

test('an empty text gets no colour', () => {
  expect(COLOURED.good('')).toBe('');
});
