/** File in the packed directory's root that says what is left out. It is not packed itself. */
export const IGNORE_FILE = '.slipwayignore';

/** Whether a path from the root, as `a/b`, is left out. A directory that is left out is not looked into. */
export type IgnoreRules = (path: string, isDirectory: boolean) => boolean;

const ALWAYS = ['/.git/', `/${IGNORE_FILE}`];

/**
 * Rules as gitignore(5) has them, for one file at the root: `#` begins a comment, `!` takes back, a slash at
 * the end means directories alone, a slash before it ties to the root, `*`, `?`, `[…]` stay within a name and
 * `**` does not. The last rule that matches counts. `.git` and the files named by `also` (paths from the root)
 * are left out unless a rule takes them back.
 */
export function ignoreRules(text: string, also: readonly string[] = []): IgnoreRules {
  const rules = [...ALWAYS, ...also.map(literal), ...text.split(/\r?\n/)].flatMap((line) => {
    const trimmed = line.replace(/(?<!\\)\s+$/, '');
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    const takesBack = trimmed.startsWith('!');
    const pattern = trimmed.replace(/^!|^\\(?=[#!])/, '');
    const directoriesOnly = pattern.endsWith('/');
    const bare = pattern.replace(/\/+$/, '');
    if (bare === '') return [];
    return [{ takesBack, directoriesOnly, expression: expressionOf(bare) }];
  });
  return (path, isDirectory) => {
    const rule = rules.findLast((r) => (isDirectory || !r.directoriesOnly) && r.expression.test(path));
    return rule !== undefined && !rule.takesBack;
  };
}

/** The rule for one path, whatever characters its name has. */
const literal = (path: string): string => `/${path.replaceAll(/[\\*?[\]\s]/g, '\\$&')}`;

function expressionOf(pattern: string): RegExp {
  const anchored = pattern.includes('/');
  const body = pattern.replace(/^\//, '');
  let out = anchored ? '^' : '^(?:.*/)?';
  for (let i = 0; i < body.length; i++) {
    const rest = body.slice(i);
    const set = /^\[(!?)((?:\\.|[^\]\\/])[^\]/]*)\]/.exec(rest);
    if (rest.startsWith('**/')) {
      out += '(?:.*/)?';
      i += 2;
    } else if (rest === '**') {
      out += '.+';
      i += 1;
    } else if (rest.startsWith('*')) {
      out += '[^/]*';
    } else if (rest.startsWith('?')) {
      out += '[^/]';
    } else if (set !== null) {
      out += `[${set[1] === '' ? '' : '^/'}${(set[2] ?? '').replaceAll(/[[\\^]/g, '\\$&')}]`;
      i += set[0].length - 1;
    } else if (rest.startsWith('\\') && rest.length > 1) {
      out += escaped(rest.charAt(1));
      i += 1;
    } else {
      out += escaped(rest.charAt(0));
    }
  }
  return new RegExp(`${out}$`, 'u');
}

const escaped = (character: string): string => character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
