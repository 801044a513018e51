import type { ApiObject } from '../../api/meta.ts';

/**
 * Order of names, their numbers by size: `shop-r9` before `shop-r10`. Names are ASCII; the language's own
 * comparison would load its tables first, which takes longer than everything else that `get` does.
 */
export function compareNames(a: string, b: string): number {
  const [left, right] = [a.split(/(\d+)/), b.split(/(\d+)/)];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const [x, y] = [left[at] ?? '', right[at] ?? ''];
    if (x === y) continue;
    const difference = at % 2 === 1 ? Number(x) - Number(y) : 0;
    return difference === 0 ? (x < y ? -1 : 1) : difference;
  }
  return left.length - right.length;
}

/** Newest first; what was made in the same millisecond, by name. */
export const byAge = (a: ApiObject, b: ApiObject): number =>
  compareNames(b.metadata.creationTimestamp ?? '', a.metadata.creationTimestamp ?? '') ||
  compareNames(b.metadata.name, a.metadata.name);
