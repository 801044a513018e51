import type { InPlaceChange, Track } from '../../api/revision.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { CommandModule } from '../command.ts';
import type { Connection, Context } from '../context.ts';
import { namedEnvironment } from '../environments.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { printObject } from '../output.ts';
import { giveCommand, verdictLine } from '../verbs.ts';
import type { ReleaseVerbOptions } from './release-verb.ts';

/** A change in place that waits for a person's word in a protected environment. */
export interface WaitingChange {
  readonly application: string;
  readonly environment: string;
  readonly change: InPlaceChange;
}

/**
 * `approve` and `reject` of an application answer its change in place, where one is open and no release is under
 * way; every other word means a release. The change is named by its digest: what was read is what is answered.
 */
export function alsoForChanges(verb: 'approve' | 'reject', releases: CommandModule): CommandModule {
  return {
    configure: (command, run) =>
      releases.configure(command, (action) =>
        run(async (context, ...values) => {
          const [word, options] = values as unknown[] as [string, ReleaseVerbOptions];
          const connection = await context.connect();
          const open = waitingChange(
            (await connection.api.list<Track>('Track', { namespace: connection.namespace })).items,
            word,
            namedEnvironment(context),
          );
          if (open === undefined) return await action(context, ...values);
          return await answer(context, connection, verb, open, options.why);
        }),
      ),
  };
}

/** The one open change of this application; undefined where there is none. */
export function waitingChange(
  tracks: readonly Pick<Track, 'spec' | 'status'>[],
  application: string,
  environment: string | undefined,
): WaitingChange | undefined {
  const open = tracks.flatMap(({ spec, status }) =>
    spec.application === application &&
    (environment === undefined || spec.environment === environment) &&
    status?.active === null &&
    status.change !== undefined &&
    status.change.state !== 'approved'
      ? [{ application, environment: spec.environment, change: status.change }]
      : [],
  );
  if (open.length > 1) {
    const places = open.map((each) => each.environment).join(' and ');
    throw new SlipwayError('badRequest', `Changes of ${application} wait in ${places}.`, {
      next: 'Say which one with --env.',
    });
  }
  return open[0];
}

async function answer(
  context: Context,
  connection: Connection,
  verb: string,
  { application, environment, change }: WaitingChange,
  why: string | undefined,
): Promise<ExitCode> {
  const given = await giveCommand(connection, {
    kind: 'Application',
    name: application,
    verb,
    environment,
    why,
    parameters: { change: change.digest },
  });
  if (!(await printObject(context, given))) context.print(verdictLine(context, application, given));
  return EXIT.ok;
}
