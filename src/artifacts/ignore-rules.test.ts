import { describe, expect, test } from 'vitest';
import { ignoreRules } from './ignore-rules.ts';

describe('ignore rules', () => {
  test.each<[string, string, string[], string[]]>([
    ['a bare name, at any depth', 'node_modules', ['node_modules', 'a/node_modules'], ['node_modules2', 'a']],
    ['a slash in it ties to the root', '/dist', ['dist'], ['a/dist']],
    ['so does one in the middle', 'a/b', ['a/b'], ['c/a/b']],
    ['a star stays within a name', '*.log', ['x.log', 'a/x.log', '.log'], ['x.log/y', 'xlog']],
    ['two stars do not', 'a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['b', 'xa/b']],
    ['two stars in front', '**/b', ['b', 'x/y/b'], ['bb']],
    ['two stars behind', 'a/**', ['a/x', 'a/x/y'], ['a', 'b/a/x']],
    ['a question mark', 'a?c', ['abc'], ['ac', 'a/c']],
    ['a set', 'a[0-9x]', ['a1', 'ax'], ['ay', 'a']],
    ['a negated set', 'a[!0-9]', ['ax'], ['a1', 'a/']],
    ['comments and empty lines', '# a\n\n   \nb', ['b'], ['a', '# a']],
    ['escaped # and !', '\\#a\n\\!b', ['#a', '!b'], ['a', 'b']],
    ['characters that mean something to expressions', 'a.b+(c)', ['a.b+(c)'], ['axb+(c)', 'a.bb(c)']],
    ['trailing blanks and Windows line ends', 'a  \r\nb\r\n', ['a', 'b'], ['a  ']],
    ['the last rule counts', '*.log\n!keep.log\nkeep.log', ['keep.log'], []],
    ['an exception', '*.log\n!keep.log', ['x.log'], ['keep.log', 'a/keep.log']],
    ['itself and .git, unless taken back', '', ['.slipwayignore'], ['.gitignore', 'a/.slipwayignore']],
  ])('%s', (_name, text, out, kept) => {
    const ignored = ignoreRules(text);
    for (const path of out) expect(ignored(path, false), path).toBe(true);
    for (const path of kept) expect(ignored(path, false), path).toBe(false);
  });

  test('a slash at the end means directories alone', () => {
    const ignored = ignoreRules('build/');
    expect(ignored('build', true)).toBe(true);
    expect(ignored('a/build', true)).toBe(true);
    expect(ignored('build', false)).toBe(false);
  });

  test.each(['app.yaml', 'a/[b]*?.yml', '#!', 'ends in ', 'back\\slash'])(
    'the very path %j is left out unless taken back',
    (path) => {
      expect(ignoreRules('', [path])(path, false)).toBe(true);
      expect(ignoreRules('', [path])(`x/${path}`, false)).toBe(false);
      expect(ignoreRules('!*', [path])(path, false)).toBe(false);
    },
  );

  test('.git is left out unless taken back', () => {
    expect(ignoreRules('')('.git', true)).toBe(true);
    expect(ignoreRules('!.git/')('.git', true)).toBe(false);
  });
});
