import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** As pruneEnded, over all versions that have no workload any more; none of those is kept longer than `keptMs`. */
export async function pruneForgotten(
  root: string,
  options: {
    readonly isThere: (id: string) => boolean;
    readonly versions: ReadonlySet<string>;
    readonly keep: number;
    readonly keptMs: number;
    /** Milliseconds since 1970. */
    readonly now: number;
  },
): Promise<void> {
  const forgotten = (await readdir(root)).filter(
    (name) => !options.versions.has(name.slice(0, name.lastIndexOf('-'))) && !options.isThere(name),
  );
  await removeOldest(root, forgotten, options.keep, options.now - options.keptMs);
}

/** Removes the directories of instances of a version that are over, but for the newest few, kept for their logs. */
export async function pruneEnded(
  root: string,
  options: { readonly version: string; readonly isThere: (id: string) => boolean; readonly keep: number },
): Promise<void> {
  const prefix = `${options.version}-`;
  const over = (await readdir(root)).filter(
    // `shop-r1-api-…` is no instance of `shop-r1`.
    (name) => name.startsWith(prefix) && !name.slice(prefix.length).includes('-') && !options.isThere(name),
  );
  await removeOldest(root, over, options.keep);
}

/** @param since what changed last before it goes too, in ms since 1970 */
async function removeOldest(
  root: string,
  names: readonly string[],
  keep: number,
  since = Number.NEGATIVE_INFINITY,
): Promise<void> {
  const aged = await Promise.all(
    names.map(async (name) => ({
      name,
      at: (await stat(join(root, name)).catch(() => undefined))?.mtimeMs ?? 0,
    })),
  );
  const surplus = aged.toSorted((a, b) => b.at - a.at).filter(({ at }, index) => index >= keep || at < since);
  await Promise.all(surplus.map(({ name }) => rm(join(root, name), { recursive: true, force: true })));
}
