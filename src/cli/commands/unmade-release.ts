import type { Release } from '../../api/release.ts';
import type { Claim, Track } from '../../api/revision.ts';
import type { Connection } from '../context.ts';

/** A release that has its name and is not made yet: in the queue, or about to begin. */
export interface UnmadeRelease {
  readonly claim: Claim;
  readonly application: string;
  readonly environment: string;
  /** Releases that end before it begins. */
  readonly before: readonly string[];
}

/** Of these tracks and releases, all that is claimed and not made. Pure. */
export function unmadeReleases(
  tracks: readonly Pick<Track, 'spec' | 'status'>[],
  made: ReadonlySet<string>,
): UnmadeRelease[] {
  return tracks.flatMap(({ spec: { application, environment }, status }) => {
    if (status === undefined) return [];
    const all = [...(status.active === null ? [] : [status.active]), ...status.queue];
    return all.flatMap((claim, at) => {
      const before = all.slice(0, at).map(({ release }) => release);
      return made.has(claim.release) ? [] : [{ claim, application, environment, before }];
    });
  });
}

/** The one of this very name: it has no object that could be found. Undefined where there is one, or none. */
export async function findUnmade(
  { api, namespace }: Connection,
  name: string,
): Promise<UnmadeRelease | undefined> {
  const { items } = await api.list<Track>('Track', { namespace });
  const found = unmadeReleases(items, new Set()).find(({ claim }) => claim.release === name);
  if (found === undefined) return undefined;
  return (await api.find<Release>('Release', name, { namespace })) === undefined ? found : undefined;
}
