/**
 * The names of every kind without its schema: what the client and the CLI need to build a path, at a start-up
 * that must not load zod. A test compares it with api/kinds.ts.
 */
export interface KindName {
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
}

const name = (
  kind: string,
  plural: string,
  shortNames: readonly string[] = [],
  namespaced = true,
): KindName => ({
  kind,
  plural,
  shortNames,
  namespaced,
});

export const KIND_NAMES: readonly KindName[] = [
  name('Cluster', 'clusters', [], false),
  name('Environment', 'environments', ['env']),
  name('Template', 'templates', ['tpl']),
  name('Application', 'applications', ['app', 'apps']),
  name('Revision', 'revisions', ['rev']),
  name('Track', 'tracks'),
  name('Release', 'releases', ['rel']),
  name('Execution', 'executions', ['exec']),
  name('Command', 'commands'),
  name('GateRun', 'gateruns', ['gr']),
  name('Receipt', 'receipts', ['rcpt']),
  name('Artifact', 'artifacts', ['art']),
  name('Secret', 'secrets'),
];

/** By kind, plural, singular or short name. */
export function findKindName(word: string): KindName | undefined {
  const lower = word.toLowerCase();
  return KIND_NAMES.find(
    (k) => k.kind.toLowerCase() === lower || k.plural === lower || k.shortNames.includes(lower),
  );
}

export const API_PREFIX = '/apis/slipway.dev/v1alpha1';
