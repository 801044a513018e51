import { API_PREFIX } from '../api/kind-names.ts';
import { kindOf } from '../api/kinds.ts';
import type { Release, ReleaseStatus, Waiting } from '../api/release.ts';
import { formatDuration } from '../lib/durations.ts';
import type { ServerDependencies } from './dependencies.ts';
import { requireObject } from './resource-reads.ts';
import type { Route } from './route.ts';

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
        const release = await requireObject<Release>(kindOf('Release'), call, deps);
        return { json: explain(release.metadata.name, release.status, deps.clock.now()) };
      },
    },
  ];
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

function expires(waiting: Waiting, now: number): string {
  const left = Date.parse(waiting.expiresAt ?? '') - now;
  const then = waiting.onExpiry === null ? '' : `, then ${waiting.onExpiry}`;
  return left <= 0 ? `it has just expired${then}` : `it expires in ${formatDuration(left)}${then}`;
}

const ago = (at: string, now: number): string => `${formatDuration(Math.max(0, now - Date.parse(at)))} ago`;
