import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { list, plural } from './text/words.ts';

/** A Revision, and the digests of what it runs. */
export interface RevisionNeeds {
  readonly name: string;
  readonly artifacts: readonly string[];
}

const MOST_NAMED = 8;

/**
 * Warns of revisions whose artifacts are not in a data directory: a backup holds objects alone, and what it
 * names starts nowhere without them. Null where all are there.
 *
 * @param directory `artifacts/` of the data directory, as artifacts/directory-artifact-store lays it out
 */
export function missingArtifacts(revisions: readonly RevisionNeeds[], directory: string): string | null {
  const isHere = (digest: string) => existsSync(join(directory, ...digest.split(':')));
  const missing = revisions.filter(({ artifacts }) => !artifacts.every(isHere)).map(({ name }) => name);
  if (missing.length === 0) return null;
  const more = missing.length - MOST_NAMED;
  const named = more <= 0 ? list(missing) : `${missing.slice(0, MOST_NAMED).join(', ')} and ${more} more`;
  return (
    `${plural(missing.length, 'revision')} cannot start anew, the artifacts are not in ${directory}: ${named}. ` +
    'Copy artifacts/ from where the backup was made, or release the directories again.'
  );
}
