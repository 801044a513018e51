import type { Application } from '../../api/application.ts';
import type { Release } from '../../api/release.ts';
import { type CommandModule, examples } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { findObject } from '../objects.ts';
import { printData, qualifiedName } from '../output.ts';
import { hasEnded, phaseOf } from '../progress/view.ts';
import { formatTable } from '../terminal/table.ts';
import { byAge } from '../text/order.ts';
import { formatAge, formatMs, formatNumber, shortRevision } from '../text/words.ts';

/** `slipway history`: releases of one application, newest first, with what they cost. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'Releases of an application, newest first: what ran, how it ended, how many requests failed.',
      )
      .argument('<application>', 'a unique prefix is enough')
      .option('--limit <count>', 'at most so many', '20');
    examples(command, 'slipway history shop', 'slipway history shop -e production --limit 5');
    command.action(
      run(async (context, word: string, options: { limit: string }) => {
        const connection = await context.connect();
        const application = await findObject<Application>(connection, 'application', word);
        const { items } = await connection.api.list<Release>('Release', { namespace: connection.namespace });
        const { env } = context.options;
        const releases = items
          .filter(
            ({ spec }) =>
              spec.application === application.metadata.name &&
              (env === undefined || spec.environment === env),
          )
          .toSorted(byAge)
          .slice(0, Math.max(1, Number.parseInt(options.limit, 10) || 20));
        if (context.format === 'name') context.print(...releases.map(qualifiedName));
        else if (
          !(await printData(context, { apiVersion: 'v1', kind: 'List', metadata: {}, items: releases }))
        ) {
          if (releases.length === 0)
            context.print(
              `${application.metadata.name} was never released.`,
              `  slipway release ${application.metadata.name} --watch`,
            );
          else context.print(...table(releases, context.clock.now()));
        }
        return EXIT.ok;
      }),
    );
  },
};

function table(releases: readonly Release[], now: number): string[] {
  const header = ['RELEASE', 'FROM', 'TO', 'STRATEGY', 'PHASE', 'TOOK', 'REQUESTS', 'FAILED', 'BY', 'AGE'];
  const rows = releases.map((release) => {
    const { metadata, spec, status } = release;
    const took =
      status?.startedAt == null || status.endedAt === null
        ? ''
        : formatMs(Date.parse(status.endedAt) - Date.parse(status.startedAt));
    const traffic = status?.traffic ?? null;
    return [
      metadata.name,
      spec.from === null ? '' : shortRevision(spec.from),
      shortRevision(spec.to),
      spec.reason === 'rollback' ? `${spec.plan.strategy} (rollback)` : spec.plan.strategy,
      phaseOf(release),
      took,
      requestsSoFar(release),
      traffic === null ? 'not measured' : formatNumber(traffic.failed),
      spec.requestedBy,
      formatAge(metadata.creationTimestamp, now),
    ];
  });
  return formatTable(header, rows);
}

/** Counts come with its orders: of a release that still waits they are those of its last one. */
export function requestsSoFar(release: Release): string {
  const traffic = release.status?.traffic ?? null;
  if (traffic === null) return 'not measured';
  return `${formatNumber(traffic.requests)}${hasEnded(release) ? '' : ' so far'}`;
}
