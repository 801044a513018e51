/** Targets of the symbolic links of a tree, by path from its root, as `a/b`. */
export type Links = ReadonlyMap<string, string>;

/** As Linux: a path that takes more turns is refused (ELOOP, path_resolution(7)). */
const MAX_TURNS = 40;

/**
 * Why following a link could lead out of the tree; undefined when it cannot. The links are followed as the
 * kernel would, one name at a time, since `b/..` is not where it seems when b itself is a link. What the tree
 * does not have is taken for a plain name: a link that leads nowhere is harmless.
 */
export function whyLinkLeadsOut(path: string, links: Links): string | undefined {
  const target = links.get(path);
  if (target === undefined) return undefined;
  const at = path.split('/').slice(0, -1);
  const ahead = target.split('/');
  if (target.startsWith('/')) return `it leads to the absolute path ${target}`;
  for (let turns = 1; ahead.length > 0; ) {
    const name = ahead.shift() as string;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (at.length === 0) return `it leads out of the root, to ${target}`;
      at.pop();
      continue;
    }
    at.push(name);
    const next = links.get(at.join('/'));
    if (next === undefined) continue;
    turns += 1;
    if (turns > MAX_TURNS) return `it leads in a circle, to ${target}`;
    if (next.startsWith('/')) return `it leads over ${at.join('/')} to the absolute path ${next}`;
    at.pop();
    ahead.unshift(...next.split('/'));
  }
  return undefined;
}
