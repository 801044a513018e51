import { KINDS } from '../api/kinds.ts';
import type { Result } from '../lib/errors.ts';

/**
 * Who may do what: a pure table role × verb × resource. Nothing is allowed that does not stand here. Roles
 * per namespace come later; the action already carries its namespace for them.
 */
export const ROLES = ['admin', 'releaser', 'developer', 'viewer', 'agent', 'system'] as const;
/**
 * `agent` runs executions and reaches its own paths alone; people reach none of those. `system` is a manager's
 * own process: it writes status and internal kinds, and no token with it can be made over the API.
 */
export type Role = (typeof ROLES)[number];

export interface Action {
  /** get, list, watch, create, update, patch, delete, or an operator's verb such as `promote`. */
  readonly verb: string;
  /** Plural of a kind, or a path of its own: `releases/why`, `artifacts/content`, `agent/connect`, `tokens`. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

interface Rule {
  readonly verbs: readonly string[];
  readonly resources: readonly string[];
}

const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'update', 'patch', 'delete'];
const PLURALS = KINDS.map((kind) => kind.plural);
const INTERNAL = KINDS.filter((kind) => kind.internal).map((kind) => kind.plural);
/** What people may write. Commands are made and never changed: they are what happened. */
const WRITABLE = PLURALS.filter((plural) => !INTERNAL.includes(plural) && plural !== 'commands');
/** Paths of single answers that read. */
const VIEWS = [
  'version',
  'openapi',
  'metrics',
  'releases/why',
  'applications/why',
  'applications/instances',
  'applications/logs',
  'unmanaged',
];

const VIEWER: readonly Rule[] = [
  { verbs: READ, resources: PLURALS.filter((plural) => plural !== 'secrets') },
  { verbs: READ, resources: PLURALS.map((plural) => `${plural}/status`) },
  { verbs: ['get'], resources: VIEWS },
  /** A dry run that writes nothing. */
  { verbs: ['plan'], resources: ['applications'] },
];
const DEVELOPER: readonly Rule[] = [
  ...VIEWER,
  { verbs: READ, resources: ['secrets'] },
  { verbs: ['get'], resources: ['secrets/uses'] },
  { verbs: WRITE, resources: ['applications', 'templates', 'artifacts', 'secrets'] },
  { verbs: ['get', 'create'], resources: ['artifacts/content'] },
  /** Only with the verb that the Command holds: commands.ts asks for that too. */
  { verbs: ['create'], resources: ['commands'] },
  { verbs: ['promote', 'pause', 'resume', 'abort', 'rollback', 'retry'], resources: ['releases'] },
  { verbs: ['release', 'rollback', 'resume', 'scale', 'restart'], resources: ['applications'] },
];
const RELEASER: readonly Rule[] = [
  ...DEVELOPER,
  { verbs: ['approve', 'reject', 'skip'], resources: ['releases'] },
  { verbs: ['approve', 'reject'], resources: ['applications'] },
];
const ADMIN: readonly Rule[] = [
  ...RELEASER,
  { verbs: WRITE, resources: WRITABLE },
  { verbs: ['list', 'create', 'delete'], resources: ['tokens'] },
  { verbs: ['create'], resources: ['backups'] },
];

const RULES: Readonly<Record<Role, readonly Rule[]>> = {
  viewer: VIEWER,
  developer: DEVELOPER,
  releaser: RELEASER,
  admin: ADMIN,
  agent: [
    { verbs: ['connect'], resources: ['agent/connect'] },
    { verbs: ['get'], resources: ['agent/artifacts'] },
    { verbs: ['open'], resources: ['agent/secrets'] },
  ],
  system: [
    { verbs: [...READ, ...WRITE], resources: PLURALS },
    { verbs: [...READ, 'update', 'patch'], resources: PLURALS.map((plural) => `${plural}/status`) },
    { verbs: ['get'], resources: VIEWS },
  ],
};

const holds = (role: Role, action: Action): boolean =>
  RULES[role].some((rule) => rule.verbs.includes(action.verb) && rule.resources.includes(action.resource));

/** Ok, or why not and who could. */
export function authorize(
  identity: { readonly name: string; readonly roles: readonly Role[] },
  action: Action,
): Result<true> {
  if (identity.roles.some((role) => holds(role, action))) return { ok: true, value: true };
  const where = action.namespace === undefined ? '' : ` in namespace ${action.namespace}`;
  const roles = identity.roles.length === 0 ? 'no role' : identity.roles.join(', ');
  return {
    ok: false,
    error: `${identity.name} (${roles}) may not ${action.verb} ${action.resource}${where}: ${whoMay(action)}`,
  };
}

function whoMay(action: Action): string {
  const people = (['developer', 'releaser', 'admin'] as const).filter((role) => holds(role, action));
  if (people.length > 0) return `it needs the role ${people.join(' or ')}`;
  if (holds('agent', action)) return 'only agents do';
  return 'only the manager itself does';
}

/** The roles that a token made over the API may have. */
export const GRANTABLE_ROLES = ROLES.filter((role) => role !== 'system');
