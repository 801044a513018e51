import type { Stored } from '../api/meta.ts';
import type { Command, Release } from '../api/release.ts';
import type { Track } from '../api/revision.ts';
import { hasEnded } from '../engine/release/state.ts';
import type { ControllerContext } from './context.ts';
import { answerCommand } from './pending-commands.ts';
import { trackName } from './track-effects.ts';

/**
 * Refuses commands for a release that nobody decides any more: it is gone itself and no track claims its name, or it
 * has ended and the track that would begin another one went with its application. Without it they would wait for ever.
 *
 * @param commands those that the release has not decided itself.
 */
export async function refuseUnanswerable(
  context: ControllerContext,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  release: Stored<Release> | undefined,
  commands: readonly Stored<Command>[],
): Promise<void> {
  if (commands.length === 0) return;
  const why = release === undefined ? await gone(context, namespace, name) : await ended(context, release);
  if (why === null) return;
  for (const command of commands)
    await answerCommand(context.store, command, { state: 'refused', message: why(command.spec.verb) });
}

/** One that is claimed and not made is the track's to decide: in its queue, or on its way out of it. */
async function gone(
  { store }: ControllerContext,
  namespace: string,
  name: string,
): Promise<(() => string) | null> {
  const { items } = await store.list<Track>('Track', { namespace });
  const claimed = items.some(({ status }) =>
    [status?.active, ...(status?.queue ?? []), ...(status?.dropped ?? []).map(({ claim }) => claim)].some(
      (claim) => claim?.release === name,
    ),
  );
  return claimed ? null : () => `there is no release ${name} any more`;
}

async function ended(
  { store }: ControllerContext,
  { metadata, spec, status }: Stored<Release>,
): Promise<((verb: string) => string) | null> {
  if (status === undefined || !hasEnded(status.phase)) return null;
  const { namespace = '', name } = metadata;
  const { application, environment } = spec;
  const track = await store.get<Track>({
    kind: 'Track',
    namespace,
    name: trackName({ namespace, application, environment }),
  });
  // Another application's track may have this name: `shop-a` in `b` and `shop` in `a-b`.
  if (track?.spec.application === application && track.spec.environment === environment) return null;
  return (verb) =>
    `${name} has ended (${status.phase}), and nothing of ${application} is in ${environment} any more: there is nothing to ${verb}`;
}
