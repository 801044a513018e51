import type { Application } from '../../api/application.ts';
import type { Release } from '../../api/release.ts';
import type { Revision, Track } from '../../api/revision.ts';
import { isSlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import type { Connection } from '../context.ts';
import { namedEnvironment } from '../environments.ts';
import { EXIT } from '../exit-codes.ts';
import { findObject } from '../objects.ts';
import { printData, qualifiedName } from '../output.ts';
import { hasEnded, phaseOf } from '../progress/view.ts';
import { formatTable } from '../terminal/table.ts';
import { byAge } from '../text/order.ts';
import { formatAge, formatMs, formatNumber, shortRevision, shortSource } from '../text/words.ts';
import { type UnmadeRelease, unmadeReleases } from './unmade-release.ts';

/** `slipway history`: releases of one application, newest first, with what they cost. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'Releases of an application, newest first: what ran, how it ended, how many requests failed.',
      )
      .argument('<application>', 'a unique prefix is enough')
      .option('--limit <count>', 'at most so many', String(LIMIT));
    examples(command, 'slipway history shop', 'slipway history shop -e production --limit 5');
    command.action(
      run(async (context, word: string, options: { limit: string }) => {
        const connection = await context.connect();
        const { api, namespace } = connection;
        const [{ items }, tracks, revisions] = await Promise.all([
          api.list<Release>('Release', { namespace }),
          api.list<Track>('Track', { namespace }),
          api.list<Revision>('Revision', { namespace }),
        ]);
        const name = await applicationMeant(connection, word, items);
        const env = namedEnvironment(context);
        const mine = (spec: { readonly application: string; readonly environment: string }) =>
          spec.application === name && (env === undefined || spec.environment === env);
        const all = items.filter(({ spec }) => mine(spec)).toSorted(byAge);
        const limit = Math.max(1, Number.parseInt(options.limit, 10) || LIMIT);
        const releases = all.slice(0, limit);
        const made = new Set(items.map(({ metadata }) => metadata.name));
        const unmade = unmadeReleases(tracks.items, made).filter(mine);
        if (context.format === 'name') context.print(...releases.map(qualifiedName));
        else if (
          !(await printData(context, { apiVersion: 'v1', kind: 'List', metadata: {}, items: releases }))
        ) {
          if (releases.length + unmade.length === 0)
            context.print(`${name} was never released.`, `  slipway release ${name} --watch`);
          else {
            const sources = new Map(
              revisions.items.map(({ metadata, spec }) => [metadata.name, spec.source]),
            );
            context.print(...historyTable(releases, unmade, context.clock.now(), sources));
            context.note(...leftOut(all.length - releases.length, limit));
          }
        }
        return EXIT.ok;
      }),
    );
  },
};

const LIMIT = 20;

/** What the limit left out, with what shows more of it. */
export const leftOut = (count: number, limit: number): string[] =>
  count <= 0 ? [] : [`${formatNumber(count)} more: --limit ${limit + LIMIT}`];

const HEADER = [
  ...['RELEASE', 'ENV', 'FROM', 'TO', 'SOURCE', 'STRATEGY', 'PHASE'],
  ...['TOOK', 'REQUESTS', 'FAILED', 'BY', 'AGE'],
];
const ENVIRONMENT = HEADER.indexOf('ENV');
const SOURCE = HEADER.indexOf('SOURCE');

/** One that was deleted is known by its releases, as long as they are kept. */
async function applicationMeant(
  connection: Connection,
  word: string,
  releases: readonly Release[],
): Promise<string> {
  try {
    return (await findObject<Application>(connection, 'application', word)).metadata.name;
  } catch (error) {
    if (!isSlipwayError(error, 'notFound') || !releases.some(({ spec }) => spec.application === word))
      throw error;
    return word;
  }
}

/**
 * What is queued first, the last to begin on top; the environment where there are several, and where the revisions
 * came from (by their name) where that is known of any.
 */
export function historyTable(
  releases: readonly Release[],
  unmade: readonly UnmadeRelease[],
  now: number,
  sources: ReadonlyMap<string, string | undefined> = new Map(),
): string[] {
  const rows = releases.map((release) => {
    const { metadata, spec, status } = release;
    const took =
      status?.startedAt == null || status.endedAt === null
        ? ''
        : formatMs(Date.parse(status.endedAt) - Date.parse(status.startedAt));
    const traffic = status?.traffic ?? null;
    return [
      metadata.name,
      spec.environment,
      spec.from === null ? '' : shortRevision(spec.from),
      shortRevision(spec.to),
      shortSource(sources.get(spec.to)),
      spec.reason === 'rollback' ? `${spec.plan.strategy} (rollback)` : spec.plan.strategy,
      phaseOf(release),
      took,
      requestsSoFar(release),
      traffic === null ? 'not measured' : formatNumber(traffic.failed),
      spec.requestedBy,
      formatAge(metadata.creationTimestamp, now),
    ];
  });
  const queued = unmade
    .toReversed()
    .map(({ claim, environment, before }) => [
      claim.release,
      environment,
      '',
      shortRevision(claim.revision),
      shortSource(sources.get(claim.revision)),
      '',
      before.length === 0 ? 'Claimed' : 'Queued',
      '',
      '',
      '',
      claim.by,
      formatAge(claim.at, now),
    ]);
  const all = [...queued, ...rows];
  const several = new Set(all.map((row) => row[ENVIRONMENT])).size > 1;
  const known = all.some((row) => row[SOURCE] !== '');
  const shown = (row: readonly string[]): string[] =>
    row.filter((_, at) => (at !== ENVIRONMENT || several) && (at !== SOURCE || known));
  return formatTable(shown(HEADER), all.map(shown));
}

/** Counts come with its orders: of a release that still waits they are those of its last one. */
export function requestsSoFar(release: Release): string {
  const traffic = release.status?.traffic ?? null;
  if (traffic === null) return 'not measured';
  return `${formatNumber(traffic.requests)}${hasEnded(release) ? '' : ' so far'}`;
}
