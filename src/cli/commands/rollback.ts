import type { Application } from '../../api/application.ts';
import type { Release } from '../../api/release.ts';
import type { Revision, Track } from '../../api/revision.ts';
import { rollbackTarget } from '../../engine/track/earlier.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { Connection, Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findObject } from '../objects.ts';
import { printObject } from '../output.ts';
import { hasEnded } from '../progress/view.ts';
import { list, shortRevision } from '../text/words.ts';
import { giveCommand, verdictLine } from '../verbs.ts';
import { afterCommand, type ReleaseVerbOptions, refuseFirst, watch, watchOptions } from './release-verb.ts';
import { checkPlanHash } from './start-release.ts';

type RollbackOptions = ReleaseVerbOptions & { readonly to?: string; readonly plan?: string };

/**
 * `slipway rollback`: of a release in flight, it turns back; of an application whose release has ended, a new
 * release to the older revision, which sets a hold on automatic releases.
 */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'Go back to an older revision. A warm one takes one flip; automatic releases are then on hold until "resume". A release under way is turned back instead and sets no hold: what it brought is not released again by itself, the next change may be.',
      )
      .argument('<application|release>', 'a unique prefix is enough')
      .option(
        '--to <revision>',
        'such as r2 (default: the one that was live before; again: the one before that)',
      )
      .option('--plan <hash>', 'refuse when the plan differs from this one (see "slipway plan --to")')
      .option('--why <text>', 'the reason, for the audit and the receipt');
    watchOptions(command);
    examples(
      command,
      'slipway rollback shop --watch',
      'slipway rollback shop -e production --to r6 --why "slow checkout"',
    );
    command.action(
      run(async (context, word: string, options: RollbackOptions) => {
        checkPlanHash(options.plan);
        const connection = await context.connect();
        const { items } = await connection.api.list<Release>('Release', { namespace: connection.namespace });
        const named = items.find(({ metadata }) => metadata.name === word);
        if (named !== undefined && !hasEnded(named))
          return await turnBack(context, connection, named, options);
        const name =
          named?.spec.application ??
          (await findObject<Application>(connection, 'application', word)).metadata.name;
        const environment = named?.spec.environment ?? connection.environment;
        return await rollBack(context, connection, name, environment, items, options);
      }),
    );
  },
};

/** The same release goes backwards. */
async function turnBack(
  context: Context,
  connection: Connection,
  release: Release,
  options: RollbackOptions,
): Promise<ExitCode> {
  const { spec, metadata } = release;
  if (options.to !== undefined && options.to !== shortRevision(spec.from)) {
    throw new SlipwayError(
      'refused',
      `Release ${metadata.name} is under way and can only go back to ${shortRevision(spec.from)}.`,
      {
        next: `slipway rollback ${metadata.name}, then slipway rollback ${spec.application} --to ${options.to}`,
      },
    );
  }
  refuseFirst(release, 'rollback');
  await confirm(context, turnBackWords(release));
  const given = await giveCommand(connection, {
    kind: 'Release',
    name: metadata.name,
    verb: 'rollback',
    why: options.why,
  });
  return await afterCommand(context, connection, metadata.name, given, options);
}

/** What is asked before a release under way turns back. */
export const turnBackWords = ({ metadata, spec }: Pick<Release, 'metadata' | 'spec'>): string[] => [
  `This turns release ${metadata.name} of ${spec.application} in ${spec.environment} back.`,
  spec.from === null
    ? 'Nothing served before it, so nothing serves then.'
    : `Its users go back to ${shortRevision(spec.from)}, which gets its full strength first.`,
  // The track remembers what was attempted; a hold is set by a rollback that is a release of its own.
  `This sets no hold: ${shortRevision(spec.to)} is not released again by itself, the next change of ${spec.application} may be.`,
];

/** Where a rollback goes, short; refused where there is nothing to go back to, before anybody is asked. */
export function destination(of: {
  readonly name: string;
  readonly environment: string;
  readonly status: Track['status'];
  /** Revisions that there are, by name. */
  readonly there: readonly string[];
  readonly wanted: string | undefined;
}): string {
  const { name, environment, status, there, wanted } = of;
  const live = status?.live ?? null;
  const refuse = (message: string, next: string): never => {
    throw new SlipwayError('refused', message, { next });
  };
  if (live === null)
    return refuse(
      `Nothing of ${name} serves in ${environment}, so there is nothing to roll back.`,
      `slipway history ${name}`,
    );
  const target =
    wanted === undefined
      ? status == null
        ? null
        : rollbackTarget(status, there)
      : there.find((one) => one === wanted || one.endsWith(`-${wanted}`));
  if (target === null)
    return refuse(
      `There is no revision of ${name} in ${environment} before ${shortRevision(live)} to go back to.`,
      `slipway history ${name}, then slipway rollback ${name} --to REVISION`,
    );
  if (target === undefined)
    return refuse(
      `There is no revision ${wanted} of ${name} in ${environment}; there is ${list(there.map(shortRevision))}.`,
      `slipway history ${name}`,
    );
  if (target === live)
    return refuse(
      `${shortRevision(target)} of ${name} serves in ${environment} already.`,
      `slipway status ${name}`,
    );
  return shortRevision(target);
}

/** A new release to an older revision. */
async function rollBack(
  context: Context,
  connection: Connection,
  name: string,
  environment: string,
  releases: readonly Release[],
  options: RollbackOptions,
): Promise<ExitCode> {
  const active = releases.find(
    (one) => one.spec.application === name && one.spec.environment === environment && !hasEnded(one),
  );
  if (active !== undefined && options.to === undefined)
    return await turnBack(context, connection, active, options);
  const { namespace } = connection;
  const [track, revisions] = await Promise.all([
    connection.api.find<Track>('Track', `${name}-${environment}`, { namespace }),
    connection.api.list<Revision>('Revision', { namespace }),
  ]);
  const there = revisions.items
    .filter(({ spec }) => spec.application === name && spec.environment === environment)
    .map(({ metadata }) => metadata.name);
  const to = destination({ name, environment, status: track?.status, there, wanted: options.to });
  const live = shortRevision(track?.status?.live ?? null);
  const warm = (track?.status?.warm ?? []).map(({ revision }) => shortRevision(revision));
  await confirm(context, [
    `This moves all users of ${name} in ${environment} from ${live} back to ${to}${warm.includes(to) ? ', which is warm: one flip' : ''}.`,
    `Automatic releases of ${name} are then on hold until "slipway resume ${name}".`,
  ]);
  const given = await giveCommand(connection, {
    kind: 'Application',
    name,
    verb: 'rollback',
    environment,
    why: options.why,
    parameters: {
      ...(options.to === undefined ? {} : { to: options.to }),
      ...(options.plan === undefined ? {} : { plan: options.plan }),
    },
  });
  const release = given.status?.result?.release;
  if (options.watch === true && typeof release === 'string') {
    context.note(verdictLine(context, name, given));
    return await watch(context, connection, release, options.timeout);
  }
  if (!(await printObject(context, given))) {
    context.print(verdictLine(context, name, given));
    if (typeof release === 'string') context.print(`  slipway describe release/${release} --watch`);
  }
  return EXIT.ok;
}
