import { describe, expect, test } from 'vitest';
import { readArguments } from './arguments.ts';

const needed = ['--control', '/c', '--table', '/t'];

test.each([
  ['an address', ['--listen', '127.0.0.1:80'], [{ host: '127.0.0.1', port: 80 }]],
  ['an IPv6 address', ['--listen', '[::1]:0'], [{ host: '::1', port: 0 }]],
  ['descriptors', ['--listen-fd', '3,4'], [{ fd: 3 }, { fd: 4 }]],
  ['both', ['--listen-fd', '3', '--listen', 'localhost:1'], [{ fd: 3 }, { host: 'localhost', port: 1 }]],
])('%s', (_, args, listen) => {
  expect(readArguments([...needed, ...args])).toMatchObject({
    ok: true,
    value: { listen, controlPath: '/c', tableFile: '/t' },
  });
});

describe('refused', () => {
  test.each([
    ['nothing', [], /usage/],
    ['nowhere to listen', needed, /nowhere to listen/],
    ['an address without a port', [...needed, '--listen', 'a'], /HOST:PORT/],
    ['a port that is none', [...needed, '--listen', 'a:99999'], /HOST:PORT/],
    ['a descriptor that is none', [...needed, '--listen-fd', 'x'], /descriptor/],
    ['an unknown option', [...needed, '--bogus'], /bogus/],
    ['a cap that is none', [...needed, '--listen', 'a:1', '--stop-cap-ms', 'x'], /stop-cap-ms/],
  ])('%s', (_, args, error) => {
    expect(readArguments(args)).toEqual({ ok: false, error: expect.stringMatching(error) });
  });
});
