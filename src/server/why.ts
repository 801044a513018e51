import type { Application } from '../api/application.ts';
import { API_PREFIX } from '../api/kind-names.ts';
import { kindOf } from '../api/kinds.ts';
import type { Stored } from '../api/meta.ts';
import type { Release, ReleaseStatus, Waiting } from '../api/release.ts';
import { hasEnded } from '../engine/release/state.ts';
import { formatDuration } from '../lib/durations.ts';
import type { ServerDependencies } from './dependencies.ts';
import { requireObject } from './resource-reads.ts';
import type { Call, Route } from './route.ts';
import { explainUnmade, findUnmade, type UnmadeRelease } from './unmade-release.ts';

/** What blocks a release, who can unblock it, when that expires (design section 11, INV-28). */
export interface Explanation {
  readonly sentence: string;
  readonly lines: readonly string[];
  readonly waiting: Waiting | null;
}

export function whyRoutes(deps: ServerDependencies): Route[] {
  return [
    {
      method: 'GET',
      url: `${API_PREFIX}/namespaces/:namespace/releases/:name/why`,
      verb: 'get',
      resource: 'releases/why',
      kind: 'Release',
      summary: 'Say what a release waits for, who can unblock it and when it expires',
      handle: async (call) => {
        const unmade = await findIfUnmade(call, deps);
        if (unmade !== undefined) return { json: explainUnmade(unmade) };
        const release = await requireObject<Release>(kindOf('Release'), call, deps);
        return { json: await explainRelease(release, deps) };
      },
    },
  ];
}

/** What an ended release says of itself (`r9 serves`, the way back) holds no more without its application. */
async function explainRelease(
  { metadata, spec, status }: Stored<Release>,
  { store, clock }: ServerDependencies,
): Promise<Explanation> {
  const { name, namespace } = metadata;
  if (status !== undefined && hasEnded(status.phase)) {
    const key = { kind: 'Application', namespace, name: spec.application };
    if ((await store.get<Application>(key)) === undefined)
      return explainOrphan(name, spec.application, status, clock.now());
  }
  return explain(name, status, clock.now());
}

/** One in the queue is asked about as well, before there is an object of it. */
async function findIfUnmade(
  { namespace, name = '' }: Call,
  { store }: ServerDependencies,
): Promise<UnmadeRelease | undefined> {
  const made = await store.get<Release>({ kind: 'Release', namespace, name });
  return made === undefined ? await findUnmade(store, namespace, name) : undefined;
}

/** From the status alone: the engine has put the reason there. `now` in ms since 1970. */
export function explain(name: string, status: ReleaseStatus | undefined, now: number): Explanation {
  if (status === undefined) {
    return { sentence: `${name} has not been looked at by a controller yet.`, lines: [], waiting: null };
  }
  const { waiting, failure } = status;
  const lines: string[] = [];
  // The sentence often has it already.
  if (failure !== null && !waiting.message.includes(failure.message)) lines.push(failure.message);
  if (failure !== null) lines.push(failure.affects);
  if (waiting.for === 'nothing') {
    if (failure !== null && failure.next !== '') lines.push(failure.next);
    const ended = status.endedAt === null ? '' : `, ended ${ago(status.endedAt, now)}`;
    const sentence =
      waiting.message === '' ? `${name} waits for nothing: it is ${status.phase}${ended}.` : waiting.message;
    return { sentence, lines: lines.filter((line) => line !== ''), waiting };
  }
  if (waiting.who !== '' && waiting.who !== 'nobody') lines.push(`${waiting.who} can unblock it:`);
  for (const command of waiting.commands) lines.push(`  ${command}`);
  const expiry = waiting.expiresAt === null ? '' : `; ${expires(waiting, now)}`;
  lines.push(`Since ${waiting.since} (${ago(waiting.since, now)})${expiry}.`);
  return { sentence: waiting.message, lines: lines.filter((line) => line !== ''), waiting };
}

/** An ended release whose application was deleted. No command is named: each would be refused. */
export function explainOrphan(
  name: string,
  application: string,
  { phase, endedAt, failure }: ReleaseStatus,
  now: number,
): Explanation {
  const ended = endedAt === null ? '' : `, ${ago(endedAt, now)}`;
  return {
    sentence: `There is no application ${application} any more; its release ${name} ended as ${phase}${ended}.`,
    lines: failure === null ? [] : [failure.message],
    waiting: null,
  };
}

function expires(waiting: Waiting, now: number): string {
  const left = Date.parse(waiting.expiresAt ?? '') - now;
  const then = waiting.onExpiry === null ? '' : `, then ${waiting.onExpiry}`;
  return left <= 0 ? `it has just expired${then}` : `it expires in ${formatDuration(left)}${then}`;
}

const ago = (at: string, now: number): string => `${formatDuration(Math.max(0, now - Date.parse(at)))} ago`;
