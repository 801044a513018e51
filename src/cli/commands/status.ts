import type { Application } from '../../api/application.ts';
import type { Release } from '../../api/release.ts';
import type { Revision, Track } from '../../api/revision.ts';
import { slipwayVersion } from '../../embedded/version.ts';
import { isSlipwayError, messageOf } from '../../lib/errors.ts';
import type { ManagerVersion } from '../../server/api-client.ts';
import type { Unmanaged } from '../../server/unmanaged.ts';
import { type CommandModule, examples } from '../command.ts';
import type { Connection, Context } from '../context.ts';
import { namedEnvironment } from '../environments.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findObject } from '../objects.ts';
import { printData } from '../output.ts';
import { type ApplicationStatus, type SlipwayStatus, statusText } from '../text/status-text.ts';

/** `slipway status`: what runs, and what Slipway itself is made of. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'What runs: Slipway itself, and each application with its versions, traffic and instances.',
      )
      .argument('[application]', 'only this one; a unique prefix is enough');
    examples(command, 'slipway status', 'slipway status shop -e production -o json');
    command.action(
      run(async (context, word: string | undefined) => {
        const slipway = await slipwayStatus(context);
        const applications = slipway.manager === null ? [] : await applicationStatuses(context, word);
        const namespace = slipway.manager === null ? undefined : (await context.connect()).namespace;
        const unmanaged = slipway.manager === null || word !== undefined ? [] : await unmanagedHere(context);
        const status = {
          slipway,
          applications,
          unmanaged,
          ...(namespace === undefined ? {} : { namespace }),
        };
        if (!(await printData(context, status))) {
          // Nothing is up: that is the error that every other command has, and no answer.
          const isUp = slipway.manager !== null || slipway.supervisor !== null;
          const now = context.clock.now();
          if (isUp) context.print(...statusText(status, now, context.paint));
          else context.note(...statusText(status, now));
        }
        return exitCodeFor(slipway);
      }),
    );
  },
};

const exitCodeFor = ({ manager }: SlipwayStatus): ExitCode => (manager === null ? EXIT.unreachable : EXIT.ok);

/** From the supervisor where it is on this machine, and from the manager. Either alone is an answer too. */
async function slipwayStatus(context: Context): Promise<SlipwayStatus> {
  const manager = await askManager(context);
  const remote = context.options.server !== undefined || Boolean(context.io.environment.SLIPWAY_SERVER);
  return {
    version: slipwayVersion(),
    data: context.dataDirectory,
    supervisor: remote ? null : await askSupervisor(context),
    local: !remote,
    ...manager,
  };
}

async function askManager(
  context: Context,
): Promise<{ manager: ManagerVersion | null; problem: string | null }> {
  try {
    const { api } = await context.connect();
    return { manager: await api.version(), problem: null };
  } catch (error) {
    if (isSlipwayError(error, 'unavailable') || isSlipwayError(error, 'timeout'))
      return { manager: null, problem: messageOf(error) };
    throw error;
  }
}

async function askSupervisor(context: Context): Promise<SlipwayStatus['supervisor']> {
  const [{ dataDirectory }, { supervisorStatus }] = await Promise.all([
    import('../../embedded/data-directory.ts'),
    import('../../embedded/supervisor-client.ts'),
  ]);
  return (await supervisorStatus(dataDirectory(context.dataDirectory))) ?? null;
}

async function applicationStatuses(context: Context, word: string | undefined): Promise<ApplicationStatus[]> {
  const connection = await context.connect();
  const { api } = connection;
  const applications =
    word === undefined
      ? (await api.list<Application>('Application')).items
      : [await findObject<Application>(connection, 'application', word)];
  const [tracks, releases, revisions] = await Promise.all([
    api.list<Track>('Track'),
    api.list<Release>('Release'),
    api.list<Revision>('Revision'),
  ]);
  const env = namedEnvironment(context);
  const statuses: ApplicationStatus[] = [];
  for (const { metadata } of applications) {
    const own = tracks.items.filter(
      ({ spec }) => spec.application === metadata.name && (env === undefined || spec.environment === env),
    );
    for (const track of own) {
      const release = releases.items.find((one) => one.metadata.name === track.status?.active?.release);
      const live = revisions.items.find((one) => one.metadata.name === track.status?.live);
      const source = live?.spec.source;
      statuses.push({
        application: metadata.name,
        track,
        release: release ?? null,
        ...(source === undefined ? {} : { source }),
        ...(await instances(connection, metadata.name, track.spec.environment)),
      });
    }
    if (own.length === 0)
      statuses.push({ application: metadata.name, track: null, release: null, workloads: [], problem: null });
  }
  return statuses;
}

/** An older manager does not tell. */
async function unmanagedHere(context: Context): Promise<readonly Unmanaged[]> {
  try {
    return await (await context.connect()).api.unmanaged();
  } catch (error) {
    if (isSlipwayError(error, 'notFound')) return [];
    throw error;
  }
}

async function instances(
  { api }: Connection,
  application: string,
  environment: string,
): Promise<Pick<ApplicationStatus, 'workloads' | 'problem'>> {
  try {
    const { items, errors } = await api.instances(application, { environment });
    const problem = errors.map(({ cluster, message }) => `${cluster}: ${message}`).join('; ');
    return {
      workloads: items as unknown as ApplicationStatus['workloads'],
      problem: problem === '' ? null : problem,
    };
  } catch (error) {
    // The rest of the page is worth reading without what the agent alone knows.
    if (!isSlipwayError(error, 'unavailable') && !isSlipwayError(error, 'timeout')) throw error;
    return { workloads: [], problem: messageOf(error) };
  }
}
