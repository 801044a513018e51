/**
 * Whether two values say the same as JSON: the order of keys and keys of value undefined do not count. As fast as
 * the parts that both share are large, since those are not looked into.
 */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return asItem(a) === asItem(b);
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => equalJson(asItem(item), asItem(b[index])));
  }
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  let known = 0;
  for (const key of Object.keys(left)) {
    const value = left[key];
    if (value === undefined) continue;
    // What is undefined is left out, and never taken for null.
    if (!Object.hasOwn(right, key) || right[key] === undefined || !equalJson(value, right[key])) return false;
    known += 1;
  }
  for (const key of Object.keys(right)) if (right[key] !== undefined) known -= 1;
  return known === 0;
}

/** As JSON writes it where it cannot be left out: undefined, NaN and the infinities are null. */
const asItem = (value: unknown): unknown =>
  value === undefined || (typeof value === 'number' && !Number.isFinite(value)) ? null : value;
