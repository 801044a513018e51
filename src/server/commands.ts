import * as z from 'zod';
import { API_PREFIX } from '../api/kind-names.ts';
import { findKind, kindOf } from '../api/kinds.ts';
import { API_VERSION, type ApiObject, Name, type Stored } from '../api/meta.ts';
import { type Command, type CommandSpec, Verb } from '../api/release.ts';
import { instant } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import { isObject } from '../lib/merge-patch.ts';
import { toStatus } from '../lib/status.ts';
import { findProblems, refuseProblems } from '../lib/validation.ts';
import type { ServerDependencies } from './dependencies.ts';
import type { KindHooks } from './kind-hooks.ts';
import { requireObject } from './resource-reads.ts';
import type { Answer, Call, Route } from './route.ts';
import { requireReleaseOrClaim } from './unmade-release.ts';
import { problemsOf } from './written-object.ts';

/**
 * Operators' verbs. Each becomes a Command object, so that a verb is on record before anything follows from
 * it; the server alone says who gave it and when. `POST …/releases/NAME/promote` also waits a moment for the
 * controller's verdict.
 */
export const RELEASE_VERBS = [
  'promote',
  'pause',
  'resume',
  'approve',
  'reject',
  'abort',
  'rollback',
  'retry',
  'skip',
] as const;
export const APPLICATION_VERBS = [
  'release',
  'rollback',
  'resume',
  'scale',
  'restart',
  'approve',
  'reject',
] as const;

const CommandBody = z.strictObject({
  environment: Name.optional(),
  /** Why, for the audit and the receipt. */
  why: z.string().max(1_000).nullish(),
  parameters: z.record(z.string(), z.unknown()).optional(),
});

export function commandRoutes(deps: ServerDependencies): Route[] {
  const route = (kind: 'Release' | 'Application', verb: string): Route => ({
    method: 'POST',
    url: `${API_PREFIX}/namespaces/:namespace/${kindOf(kind).plural}/:name/${verb}`,
    verb,
    resource: kindOf(kind).plural,
    kind,
    body: 'optionalJson',
    summary: `Ask to ${verb} one ${kind}; answers the Command, 202 while it is undecided`,
    handle: (call) => giveCommand(kind, Verb.parse(verb), call, deps),
  });
  return [
    ...RELEASE_VERBS.map((verb) => route('Release', verb)),
    ...APPLICATION_VERBS.map((verb) => route('Application', verb)),
  ];
}

/** `kubectl create` of a Command: the caller's name is put in, and the verb must be theirs to use. */
export const commandHooks: KindHooks = {
  complete(object, { call, deps, stored }) {
    if (stored !== undefined) return object;
    const spec = isObject(object.spec) ? object.spec : {};
    return {
      ...object,
      spec: {
        why: null,
        parameters: {},
        ...spec,
        by: call.identity.name,
        roles: [...call.identity.roles],
        at: instant(deps.clock.now()),
      },
    };
  },
  async admit(object, { call, deps, stored }) {
    if (stored !== undefined) return [];
    const spec = object.spec as CommandSpec;
    const target = kindOf(spec.target.kind);
    const allowed: readonly string[] = spec.target.kind === 'Release' ? RELEASE_VERBS : APPLICATION_VERBS;
    if (!allowed.includes(spec.verb)) {
      return [
        {
          path: 'spec.verb',
          message: `found "${spec.verb}", allowed for a ${spec.target.kind}: ${allowed.join(', ')}`,
        },
      ];
    }
    const { namespace } = call;
    call.demand({ verb: spec.verb, resource: target.plural, namespace, name: spec.target.name });
    call.note.verb = spec.verb;
    if (spec.why !== null) call.note.why = spec.why;
    await requireTarget(spec.target, namespace, deps);
    return needsReason(spec);
  },
};

async function giveCommand(
  kind: 'Release' | 'Application',
  verb: Verb,
  call: Call,
  deps: ServerDependencies,
): Promise<Answer> {
  const body = call.body ?? {};
  refuseProblems('the command', findProblems(CommandBody, body));
  const { environment, why, parameters } = body as z.output<typeof CommandBody>;
  if (typeof why === 'string') call.note.why = why;
  const { name = '', namespace } = call;
  await requireTarget({ kind, name }, namespace, deps);
  const spec: CommandSpec = {
    verb,
    target: { kind, name },
    ...(environment === undefined ? {} : { environment }),
    by: call.identity.name,
    roles: [...call.identity.roles],
    at: instant(deps.clock.now()),
    why: why ?? null,
    parameters: parameters ?? {},
  };
  const command: ApiObject = {
    apiVersion: API_VERSION,
    kind: 'Command',
    metadata: {
      name: `${name.slice(0, 200)}-${verb}-${deps.random.suffix(8)}`,
      namespace,
      labels: { 'slipway.dev/verb': verb, 'slipway.dev/target': name.slice(0, 63).replace(/[-.]+$/, '') },
    },
    spec,
  };
  refuseProblems('the command', [
    ...needsReason(spec),
    ...problemsOf(findKind('Command') ?? kindOf('Command'), command, { quote: true }),
  ]);
  const created = await deps.store.create(command);
  return answer((await decided(created, call.signal, deps)) as Stored<Command>);
}

/** A release may be in the queue, and not made yet: its track answers then. */
const requireTarget = async (
  { kind, name }: CommandSpec['target'],
  namespace: string | undefined,
  deps: ServerDependencies,
): Promise<void> =>
  kind === 'Release'
    ? await requireReleaseOrClaim({ namespace, name }, deps)
    : void (await requireObject(kindOf(kind), { namespace, name }, deps));

/** A skipped gate stands in the receipt with its reason (design section 10). */
function needsReason(spec: CommandSpec) {
  const reasonGiven = typeof spec.why === 'string' && spec.why.trim() !== '';
  return spec.verb === 'skip' && !reasonGiven
    ? [{ path: 'why', message: 'a skipped gate needs a reason' }]
    : [];
}

/** The command once its status is no longer pending, or as it stands when the time is over. */
async function decided(command: Stored, signal: AbortSignal, deps: ServerDependencies): Promise<Stored> {
  const ending = new AbortController();
  const timer = deps.clock.setTimer(deps.limits.commandMs, () => ending.abort());
  const { name, namespace, resourceVersion } = command.metadata;
  try {
    const events = deps.store.watch('Command', {
      since: resourceVersion,
      namespace,
      signal: AbortSignal.any([signal, ending.signal]),
    });
    for await (const { object } of events) {
      if (object.metadata.name === name && isDecided(object)) return object;
    }
  } finally {
    timer[Symbol.dispose]();
    ending.abort();
  }
  return (await deps.store.get({ kind: 'Command', namespace, name })) ?? command;
}

const stateOf = (command: Pick<Stored, 'status'>): unknown =>
  isObject(command.status) ? command.status.state : undefined;
const isDecided = (command: Stored): boolean => stateOf(command) === 'done' || stateOf(command) === 'refused';

function answer(command: Stored<Command>): Answer {
  if (stateOf(command) === 'done') return { json: command };
  if (stateOf(command) !== 'refused') return { status: 202, json: command };
  const { message, result } = command.status ?? { message: '' };
  const next = typeof result?.next === 'string' ? result.next : undefined;
  const error = new SlipwayError('refused', message, { next });
  return { status: 409, json: toStatus(error, { kind: 'commands', name: command.metadata.name }) };
}
