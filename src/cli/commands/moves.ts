import type { PlanPreview } from '../../server/dependencies.ts';
import type { Connection, Context } from '../context.ts';
import { list, shortRevision } from '../text/words.ts';

/** A release that a change of the application begins by itself in an environment that nobody named. */
export interface Move {
  readonly environment: string;
  readonly release: string;
  readonly from: string | null;
  readonly to: string;
}

/**
 * What the manager would begin by itself in these environments with this spec: asked before anything is written, so
 * that no environment moves unseen.
 */
export async function movesOf(
  { api, namespace }: Connection,
  { name, spec }: { readonly name: string; readonly spec: unknown },
  environments: readonly string[],
): Promise<Move[]> {
  const previews = await Promise.all(
    environments.map(async (environment) => ({
      environment,
      preview: await api.plan(name, { environment, spec }, { namespace }),
    })),
  );
  return previews
    .flatMap(({ environment, preview }) => (begins(preview) ? [{ environment, ...preview }] : []))
    .map(({ environment, release, from, to }) => ({ environment, release, from, to }));
}

const begins = ({ refusals, changes, automatic }: PlanPreview): boolean =>
  refusals.length === 0 && (automatic ?? changes);

/** Said before the change is written: which other environments it moves, and how to move one alone. */
export function moveLines(
  { paint }: Pick<Context, 'paint'>,
  moves: readonly Move[],
  only: string | undefined,
): string[] {
  if (moves.length === 0) return [];
  return [
    `${paint.warn('!')} This releases to ${list(moves.map(({ environment }) => environment))} as well, by itself:`,
    ...moves.map(({ release, ...move }) => `  ${moveWords(move)}: release ${release} begins`),
    ...(only === undefined ? [] : [`  To move one environment alone: ${only}`]),
  ];
}

/** `staging r1 → r2`. */
export const moveWords = ({ environment, from, to }: Omit<Move, 'release'>): string =>
  `${environment} ${from === null ? '' : `${shortRevision(from)} → `}${shortRevision(to)}`;
