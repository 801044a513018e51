import type * as z from 'zod';
import { Application } from './application.ts';
import { Artifact, Cluster, Environment, Secret, Template } from './environment.ts';
import { Execution, GateRun, Receipt } from './execution.ts';
import { Command, Release } from './release.ts';
import { Revision, Track } from './revision.ts';

export interface KindDefinition {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly schema: z.ZodType;
  /** Made by controllers alone: the API lets nobody else create or change the spec. */
  readonly internal: boolean;
  /** Spec may not change once made. */
  readonly immutable: boolean;
}

const define = (
  kind: string,
  plural: string,
  shortNames: readonly string[],
  schema: z.ZodType,
  more: Partial<Pick<KindDefinition, 'namespaced' | 'internal' | 'immutable'>> = {},
): KindDefinition => ({
  kind,
  plural,
  singular: kind.toLowerCase(),
  shortNames,
  schema,
  namespaced: true,
  internal: false,
  immutable: false,
  ...more,
});

/** Every kind, in the order in which `get` and documentation list them. */
export const KINDS: readonly KindDefinition[] = [
  define('Cluster', 'clusters', [], Cluster, { namespaced: false }),
  define('Environment', 'environments', ['env'], Environment),
  define('Template', 'templates', ['tpl'], Template),
  define('Application', 'applications', ['app', 'apps'], Application),
  define('Revision', 'revisions', ['rev'], Revision, { internal: true, immutable: true }),
  define('Track', 'tracks', [], Track, { internal: true }),
  define('Release', 'releases', ['rel'], Release, { internal: true, immutable: true }),
  define('Execution', 'executions', ['exec'], Execution, { internal: true, immutable: true }),
  define('Command', 'commands', [], Command, { immutable: true }),
  define('GateRun', 'gateruns', ['gr'], GateRun, { internal: true, immutable: true }),
  define('Receipt', 'receipts', ['rcpt'], Receipt, { internal: true, immutable: true }),
  define('Artifact', 'artifacts', ['art'], Artifact),
  define('Secret', 'secrets', [], Secret),
];

/** By kind, plural, singular or short name; undefined when there is none. */
export function findKind(word: string): KindDefinition | undefined {
  const lower = word.toLowerCase();
  return KINDS.find((k) => k.singular === lower || k.plural === lower || k.shortNames.includes(lower));
}

/** The definition of a kind by its exact name. Throws for a kind that does not exist: a programming error. */
export function kindOf(kind: string): KindDefinition {
  const found = KINDS.find((k) => k.kind === kind);
  if (found === undefined) throw new TypeError(`unknown kind ${kind}`);
  return found;
}
