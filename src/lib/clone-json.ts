/**
 * As JSON.parse(JSON.stringify(value)): a copy that its receiver may change, without what JSON cannot say. Plain
 * objects and arrays go fast, several times as fast as by structuredClone.
 */
export function cloneJson<T>(value: T): T {
  return clone(value) as T;
}

function clone(value: unknown): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return Array.from(value, (item) => (item === undefined ? null : clone(item)));
  if (
    typeof value === 'object' &&
    Object.getPrototypeOf(value) === Object.prototype &&
    !('toJSON' in value)
  ) {
    const copy: Record<string, unknown> = {};
    for (const name of Object.keys(value)) {
      const item = (value as Record<string, unknown>)[name];
      // By assignment that name would set the prototype.
      if (name === '__proto__') return JSON.parse(JSON.stringify(value));
      if (item !== undefined) copy[name] = clone(item);
    }
    return copy;
  }
  if (typeof value === 'number' && Number.isFinite(value)) return Object.is(value, -0) ? 0 : value;
  return JSON.parse(JSON.stringify(value) ?? 'null');
}
