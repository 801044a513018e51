/** RFC 6902, the operations that are used here. */
export type JsonPatchOperation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };
export type JsonPatch = readonly JsonPatchOperation[];

/** A JSON pointer (RFC 6901): `pointer('metadata', 'annotations', 'a/b')` is `/metadata/annotations/a~1b`. */
export const pointer = (...parts: readonly (string | number)[]): string =>
  parts.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/**
 * A patch that changes something only where the object is still the one that was read: the API server knows no
 * epochs, and lists of routes are atomic for server-side apply, so what is shared is changed under these tests.
 */
export function guarded(
  read: { readonly metadata: { readonly uid?: string; readonly resourceVersion?: string } },
  ...operations: JsonPatch
): JsonPatch {
  const { uid, resourceVersion } = read.metadata;
  return [
    ...(uid === undefined ? [] : [{ op: 'test' as const, path: '/metadata/uid', value: uid }]),
    ...(resourceVersion === undefined
      ? []
      : [{ op: 'test' as const, path: '/metadata/resourceVersion', value: resourceVersion }]),
    ...operations,
  ];
}

/** `replace` of what was seen there, under a test that it is still that. */
export const swap = (path: string, from: unknown, to: unknown): JsonPatch => [
  { op: 'test', path, value: from },
  { op: 'replace', path, value: to },
];
