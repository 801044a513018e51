import { describe, expect, it } from 'vitest';
import { logExcerpt } from './log-excerpt.ts';

const cases: [name: string, log: string, expected: readonly string[]][] = [
  ['short logs as they are', 'starts\ncannot find the database', ['starts', 'cannot find the database']],
  ['the last lines of calm ones', 'a\nb\n\nc\nd\ne\nf\n', ['b', 'c', 'd', 'e', 'f']],
  [
    'a missing module of Node',
    `shop starts
node:internal/modules/cjs/loader:1424
  throw err;
  ^

Error: Cannot find module './nowhere.js'
Require stack:
- /srv/shop/server.js
    at Function._resolveFilename (node:internal/modules/cjs/loader:1421:15)
    at defaultResolveImpl (node:internal/modules/cjs/loader:1059:19)
    at node:internal/main/run_main_module:33:47 {
  code: 'MODULE_NOT_FOUND',
  requireStack: [ '/srv/shop/server.js' ]
}

Node.js v26.10.0`,
    [
      "Error: Cannot find module './nowhere.js'",
      'Require stack:',
      '- /srv/shop/server.js',
      '    at Function._resolveFilename (node:internal/modules/cjs/loader:1421:15)',
      "  code: 'MODULE_NOT_FOUND',",
    ],
  ],
  [
    'an uncaught error with nothing but frames behind it',
    `connecting\nlistening\n/srv/shop/server.js:3\nthrow new TypeError('x is not a function');\n^\n
TypeError: x is not a function\n${'    at f (/srv/shop/server.js:3:7)\n'.repeat(9)}
Node.js v26.10.0`,
    [
      'listening',
      '/srv/shop/server.js:3',
      "throw new TypeError('x is not a function');",
      'TypeError: x is not a function',
      '    at f (/srv/shop/server.js:3:7)',
    ],
  ],
  [
    'the cause that Python says last',
    `Traceback (most recent call last):\n  File "/srv/app.py", line 1, in <module>\n    import nowhere
ModuleNotFoundError: No module named 'nowhere'`,
    [
      'Traceback (most recent call last):',
      '  File "/srv/app.py", line 1, in <module>',
      '    import nowhere',
      "ModuleNotFoundError: No module named 'nowhere'",
    ],
  ],
  [
    'a panic far above its end',
    `panic: no config\n\ngoroutine 1 [running]:\n${Array.from({ length: 30 }, (_, n) => `line ${n}`).join('\n')}`,
    ['panic: no config', '…', 'line 27', 'line 28', 'line 29'],
  ],
  [
    'the line above the frames where none is called an error',
    `starts\nno luck today\n${'    at f (x.js:1:1)\n'.repeat(9)}`,
    ['starts', 'no luck today', '    at f (x.js:1:1)'],
  ],
  ['nothing of an empty log', '\n\n', []],
];

describe('the lines of a log that say why a process ended', () => {
  it.each(cases)('%s', (_name, log, expected) => expect(logExcerpt(log.split('\n'), 5)).toEqual(expected));

  it('are cut where they are too long for a message', () => {
    expect(logExcerpt(['x'.repeat(1_000)], 5)[0]).toHaveLength(400);
  });
});
