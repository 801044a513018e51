import { KINDS, type KindDefinition } from '../../api/kinds.ts';
import { API_VERSION, type ApiObject } from '../../api/meta.ts';
import { validateApplication } from '../../engine/application/validate.ts';
import type { ErrorDetail } from '../../lib/errors.ts';
import { findProblems } from '../../lib/validation.ts';
import { nearest } from '../nearest.ts';
import { list } from '../text/words.ts';
import type { ParsedDocument } from './parse.ts';
import { parsePath } from './path-text.ts';
import { type Problem, problemAt } from './source.ts';

/** One object of a file, as it was written: defaults are the server's to fill in. */
export interface Manifest {
  readonly document: ParsedDocument;
  readonly kind: KindDefinition;
  readonly object: ApiObject;
}

export type Checked =
  | { readonly ok: true; readonly manifest: Manifest }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Holds a document against the schema of its kind, then against what only the whole of it can tell. */
export function checkDocument(document: ParsedDocument): Checked {
  const { value } = document;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail(document, [
      {
        path: '',
        message: `found ${describe(value)}, allowed: an object with apiVersion, kind, metadata and spec`,
      },
    ]);
  }
  const { kind: kindWord, apiVersion } = value as Record<string, unknown>;
  if (apiVersion !== API_VERSION) {
    return fail(document, [
      { path: 'apiVersion', message: `found ${describe(apiVersion)}, allowed: "${API_VERSION}"` },
    ]);
  }
  const kind = KINDS.find((one) => one.kind === kindWord);
  if (kind === undefined) return fail(document, [{ path: 'kind', message: unknownKind(kindWord) }]);
  if (kind.internal) {
    return fail(document, [
      { path: 'kind', message: `found "${kind.kind}", which only Slipway itself makes` },
    ]);
  }
  const problems = [...findProblems(kind.schema, value), ...unknownMetadata(value)];
  if (problems.length > 0) return fail(document, problems);
  const object = value as ApiObject;
  const semantic =
    kind.kind === 'Application'
      ? validateApplication(object.spec, {
          name: object.metadata.name,
          environments: {},
          requirePinned: false,
        })
      : [];
  return semantic.length > 0 ? fail(document, semantic) : { ok: true, manifest: { document, kind, object } };
}

const PEOPLE_MAY_WRITE = kindsOfApplying().map(({ kind }) => kind);

function kindsOfApplying(): readonly KindDefinition[] {
  return KINDS.filter(({ internal, kind }) => !internal && kind !== 'Command');
}

function unknownKind(word: unknown): string {
  const guess = typeof word === 'string' ? nearest(word, PEOPLE_MAY_WRITE) : undefined;
  const hint = guess === undefined ? '' : `; did you mean ${guess}?`;
  return `found ${describe(word)}, allowed: ${list(PEOPLE_MAY_WRITE, 'or')}${hint}`;
}

// Stored objects keep metadata that this program does not know; a file that people write must not hold any.
const METADATA = ['name', 'namespace', 'labels', 'annotations'];
/** What the server sets: there when the output of `get -o yaml` is applied, and then ignored. */
const SERVER_METADATA = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'finalizers',
  'ownerReferences',
];

function unknownMetadata(value: object): ErrorDetail[] {
  const { metadata } = value as { metadata?: unknown };
  if (typeof metadata !== 'object' || metadata === null) return [];
  return Object.keys(metadata)
    .filter((key) => !METADATA.includes(key) && !SERVER_METADATA.includes(key))
    .map((key) => ({
      path: `metadata.${key}`,
      message: `there is no such field; allowed here: ${METADATA.join(', ')}`,
    }));
}

function fail(document: ParsedDocument, details: readonly ErrorDetail[]): Checked {
  return { ok: false, problems: details.map((detail) => locate(document, detail)) };
}

/** Gives a detail its place in the file; an unknown field is shown at its key, with the nearest that exists. */
export function locate(document: ParsedDocument, { path = '', message }: ErrorDetail): Problem {
  const steps = parsePath(path);
  if (steps.at(-1) === '<<') {
    const hint =
      'merge keys are not read; write the fields out, or name a whole value by an alias (key: *name)';
    return problemAt(document.source, document.position(steps, 'key'), path, hint);
  }
  const unknown = /^there is no such field/.test(message);
  const position = document.position(steps, unknown ? 'key' : 'value');
  const allowed = /allowed here: (.*)$/.exec(message)?.[1]?.split(', ') ?? [];
  const guess = unknown ? nearest(String(steps.at(-1) ?? ''), allowed) : undefined;
  return problemAt(
    document.source,
    position,
    path,
    guess === undefined ? message : `${message}; did you mean ${guess}?`,
  );
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  const text = typeof value === 'object' ? 'an object' : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
