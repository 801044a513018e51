export interface Difference {
  /** `spec.workload.replicas`. */
  readonly path: string;
  /** Undefined: it was not there. */
  readonly from: unknown;
  /** Undefined: it goes. */
  readonly to: unknown;
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** With something in it: an empty one is a value of its own. */
const isFilled = (value: unknown): boolean =>
  (isMap(value) && Object.keys(value).length > 0) || (Array.isArray(value) && value.some(isMap));

/**
 * Field by field what differs, lists by position, in the order of the fields. What is new or goes is said
 * field by field too; lists of plain values are told whole.
 */
export function differencesOf(from: unknown, to: unknown, path = ''): Difference[] {
  if (from === undefined && isFilled(to)) return differencesOf(Array.isArray(to) ? [] : {}, to, path);
  if (to === undefined && isFilled(from)) return differencesOf(from, Array.isArray(from) ? [] : {}, path);
  if (isMap(from) && isMap(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
    return keys.flatMap((key) => differencesOf(from[key], to[key], path === '' ? key : `${path}.${key}`));
  }
  if (Array.isArray(from) && Array.isArray(to)) {
    const length = Math.max(from.length, to.length);
    return Array.from({ length }, (_, at) => differencesOf(from[at], to[at], `${path}[${at}]`)).flat();
  }
  return Object.is(from, to) ? [] : [{ path, from, to }];
}
