import { describe, expect, it } from 'vitest';
import { guarded, pointer, swap } from './json-patch.ts';

describe('a pointer', () => {
  // https://www.rfc-editor.org/rfc/rfc6901#section-5
  it.each<[string, readonly (string | number)[], string]>([
    ['to the whole is empty', [], ''],
    ['to a field', ['foo'], '/foo'],
    ['to an item of a list', ['foo', 0], '/foo/0'],
    ['to a field without a name', [''], '/'],
    ['escapes a slash', ['a/b'], '/a~1b'],
    ['leaves a per cent sign', ['c%d'], '/c%d'],
    ['leaves a caret', ['e^f'], '/e^f'],
    ['leaves a bar', ['g|h'], '/g|h'],
    ['leaves a backslash', ['i\\j'], '/i\\j'],
    ['leaves a quote', ['k"l'], '/k"l'],
    ['leaves a space', [' '], '/ '],
    ['escapes a tilde', ['m~n'], '/m~0n'],
    ['does not escape what it escaped', ['~1', '~/'], '/~01/~0~1'],
    [
      'to an annotation',
      ['metadata', 'annotations', 'slipway.dev/epoch'],
      '/metadata/annotations/slipway.dev~1epoch',
    ],
  ])('%s', (_, parts, expected) => expect(pointer(...parts)).toBe(expected));
});

describe('a guarded patch', () => {
  const change = { op: 'add', path: '/spec/paused', value: true } as const;
  const uid = { op: 'test', path: '/metadata/uid', value: 'u1' };
  const version = { op: 'test', path: '/metadata/resourceVersion', value: '7' };
  it.each<[string, { uid?: string; resourceVersion?: string }, unknown[]]>([
    [
      'tests who it is and that nobody wrote since, before it changes',
      { uid: 'u1', resourceVersion: '7' },
      [uid, version, change],
    ],
    ['tests who it is alone where no version was read', { uid: 'u1' }, [uid, change]],
    ['tests the version alone where no uid was read', { resourceVersion: '7' }, [version, change]],
    ['tests nothing of what was not read', {}, [change]],
  ])('%s', (_, metadata, expected) => expect(guarded({ metadata }, change)).toEqual(expected));

  it('takes its changes in their order', () => {
    const remove = { op: 'remove', path: '/spec/x' } as const;
    expect(guarded({ metadata: {} }, remove, change)).toEqual([remove, change]);
  });
});

describe('a swap', () => {
  it('replaces under a test that what was seen is still there', () => {
    expect(swap('/spec/weights', [90, 10], [50, 50])).toEqual([
      { op: 'test', path: '/spec/weights', value: [90, 10] },
      { op: 'replace', path: '/spec/weights', value: [50, 50] },
    ]);
  });
});
