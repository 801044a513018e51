import { kindOf } from '../api/kinds.ts';
import type { Release } from '../api/release.ts';
import type { Claim, Track } from '../api/revision.ts';
import { isSlipwayError } from '../lib/errors.ts';
import type { Store } from '../store/store.ts';
import type { ServerDependencies } from './dependencies.ts';
import { requireObject } from './resource-reads.ts';
import type { Explanation } from './why.ts';

/** A release whose name is given out and that is not made yet: what it waits for, and in which track. */
export interface UnmadeRelease {
  readonly claim: Claim;
  readonly application: string;
  readonly environment: string;
  /** Releases that end before it begins; none where other work does. */
  readonly before: readonly string[];
  readonly supersedes: boolean;
}

/** By the names that tracks give out; undefined where none has given out this one. */
export async function findUnmade(
  store: Store,
  namespace: string | undefined,
  name: string,
): Promise<UnmadeRelease | undefined> {
  const { items } = await store.list<Track>('Track', { namespace });
  for (const { spec, status } of items) {
    if (status === undefined) continue;
    const all = [...(status.active === null ? [] : [status.active]), ...status.queue];
    const at = all.findIndex(({ release }) => release === name);
    const claim = all[at];
    if (claim === undefined) continue;
    const before = all.slice(0, at).map(({ release }) => release);
    return { claim, ...spec, before, supersedes: claim.supersedes && at === 1 };
  }
  return undefined;
}

/** `notFound` where there is neither the release nor its name: a verb for one in the queue is the track's to answer. */
export async function requireReleaseOrClaim(
  { namespace, name }: { readonly namespace?: string | undefined; readonly name?: string | undefined },
  deps: ServerDependencies,
): Promise<void> {
  try {
    await requireObject<Release>(kindOf('Release'), { namespace, name }, deps);
  } catch (error) {
    if (!isSlipwayError(error, 'notFound')) throw error;
    if ((await findUnmade(deps.store, namespace, name ?? '')) === undefined) throw error;
  }
}

/** What a release in the queue waits for, and how to give it up. */
export function explainUnmade({ claim, before, supersedes }: UnmadeRelease): Explanation {
  const { release, by, why } = claim;
  const [first] = before;
  const whose = `${by}${why === null ? '' : ` ("${why}")`}`;
  const waits =
    first === undefined
      ? 'begins when the work under way outside releases is done'
      : supersedes
        ? `supersedes ${first} and begins when that has turned back`
        : `is queued behind ${before.join(' and ')}`;
  return {
    sentence: `Release ${release} of ${whose} ${waits}.`,
    lines: [
      ...(first === undefined ? [] : ['What is in front of it:', `  slipway why ${first}`]),
      'To take it out of the queue:',
      `  slipway abort ${release}`,
    ],
    waiting: null,
  };
}
