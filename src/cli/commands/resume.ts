import { type Application, readyType } from '../../api/application.ts';
import type { Track } from '../../api/revision.ts';
import { isSlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { Connection, Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findObject } from '../objects.ts';
import { printObject } from '../output.ts';
import { hasEnded } from '../progress/view.ts';
import { giveCommand, verdictLine } from '../verbs.ts';
import { findActiveRelease } from './active-release.ts';
import { afterCommand, type ReleaseVerbOptions, watchOptions } from './release-verb.ts';

/**
 * `slipway resume`: lets a paused release go on; for an application without one, ends the hold that a rollback
 * has set on its automatic releases.
 */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description('Let a paused release go on; or end the hold that a rollback set on an application.')
      .argument('<release|application>', 'a unique prefix is enough')
      .option('--why <text>', 'the reason, for the audit and the receipt');
    watchOptions(command);
    examples(command, 'slipway resume shop-local-r2 --watch', 'slipway resume shop');
    command.action(
      run(async (context, word: string, options: ReleaseVerbOptions) => {
        const connection = await context.connect();
        const release = await activeRelease(context, connection, word);
        if (release === undefined) return await resumeApplication(context, connection, word, options.why);
        const given = await giveCommand(connection, {
          kind: 'Release',
          name: release,
          verb: 'resume',
          why: options.why,
        });
        return await afterCommand(context, connection, release, given, options);
      }),
    );
  },
};

async function activeRelease(
  context: Context,
  connection: Connection,
  word: string,
): Promise<string | undefined> {
  try {
    const release = await findActiveRelease(context, connection, word);
    return release.metadata.name === word || !hasEnded(release) ? release.metadata.name : undefined;
  } catch (error) {
    // An application that was never released may be on hold all the same.
    if (isSlipwayError(error, 'notFound')) return undefined;
    throw error;
  }
}

/** Why an application does not serve what is applied, where an automatic release of it may be all that is missing. */
const WAITING: ReadonlySet<string> = new Set([
  ...['Held', 'NotReleased', 'Aborted', 'RolledBack', 'Failed', 'Superseded'],
]);

const isHeld = async ({ api, namespace, environment }: Connection, name: string): Promise<boolean> =>
  (await api.find<Track>('Track', `${name}-${environment}`, { namespace }))?.status?.hold != null;

async function resumeApplication(
  context: Context,
  connection: Connection,
  word: string,
  why: string | undefined,
): Promise<ExitCode> {
  const { metadata, spec, status } = await findObject<Application>(connection, 'application', word);
  const { environment } = connection;
  const ready = status?.conditions?.find(({ type }) => type === readyType(environment));
  const waits = ready?.status === 'False' && WAITING.has(ready.reason) && spec.release !== 'manual';
  if (waits && (await isHeld(connection, metadata.name))) {
    await confirm(context, [
      `This ends the hold on ${metadata.name} in ${environment}. What is applied does not serve, and is released at once unless it was tried before.`,
      `To release something else instead: slipway release ${metadata.name} --artifact DIR, which ends the hold as well.`,
    ]);
  }
  const given = await giveCommand(connection, {
    kind: 'Application',
    name: metadata.name,
    verb: 'resume',
    environment,
    why,
  });
  if (!(await printObject(context, given))) context.print(verdictLine(context, metadata.name, given));
  return EXIT.ok;
}
