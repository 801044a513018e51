import type { Application } from '../../api/application.ts';
import type { Execution, GateRun, Receipt } from '../../api/execution.ts';
import type { ApiObject, Stored } from '../../api/meta.ts';
import type { Release } from '../../api/release.ts';
import type { Track } from '../../api/revision.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { type Connection, type Context, lineWidth } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findObject, parseTarget } from '../objects.ts';
import { printObject } from '../output.ts';
import { hasEnded } from '../progress/view.ts';
import { formatTable } from '../terminal/table.ts';
import { applicationText } from '../text/application-text.ts';
import { tableOf } from '../text/columns.ts';
import { byAge } from '../text/order.ts';
import { releaseText } from '../text/release-text.ts';
import { findActiveRelease } from './active-release.ts';
import { watch } from './release-verb.ts';

interface DescribeOptions {
  readonly watch?: boolean;
  readonly timeout?: string;
}

/** `slipway describe`: one object as a page for people. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description('All about one object. Of a release: its stages, its evidence, who did what.')
      .argument('<kind>', 'a kind, or kind/name')
      .argument('[name]', 'a unique prefix is enough')
      .option('-w, --watch', 'of a release: show it until it has ended')
      .option('--timeout <duration>', 'stop watching after this, with exit code 6');
    examples(
      command,
      'slipway describe release shop-local-r2',
      'slipway describe release/shop-local-r3 --watch',
      'slipway describe app shop',
    );
    command.action(
      run(async (context, kindWord: string, name: string | undefined, options: DescribeOptions) => {
        const connection = await context.connect();
        const target = parseTarget(name === undefined ? [kindWord] : [kindWord, name]);
        const [word] = target.names;
        if (word === undefined) {
          throw new SlipwayError('badRequest', `Which ${target.kind.singular}?`, {
            next: `slipway get ${target.kind.plural}`,
          });
        }
        const { kind } = target.kind;
        if (options.watch === true)
          return await watchDescribed(context, connection, kind, word, options.timeout);
        if (context.format !== 'text') {
          await printObject(context, await findObject<ApiObject>(connection, kind, word));
          return EXIT.ok;
        }
        if (kind === 'Release') return await describeRelease(context, connection, word);
        const object = await findObject<ApiObject>(connection, kind, word);
        if (kind === 'Application')
          await describeApplication(context, connection, object as Stored<Application>);
        else await describeAny(context, object);
        return EXIT.ok;
      }),
    );
  },
};

async function watchDescribed(
  context: Context,
  connection: Connection,
  kind: string,
  word: string,
  timeout: string | undefined,
): Promise<ExitCode> {
  if (kind !== 'Release' && kind !== 'Application') {
    throw new SlipwayError('badRequest', `A ${kind.toLowerCase()} cannot be watched like this.`, {
      next: `slipway get ${kind.toLowerCase()} ${word} --watch`,
    });
  }
  const release = await findActiveRelease(context, connection, word);
  return await watch(context, connection, release.metadata.name, timeout);
}

async function describeRelease(context: Context, connection: Connection, word: string): Promise<ExitCode> {
  const release = await findObject<Release>(connection, 'Release', word);
  const { name } = release.metadata;
  const { api } = connection;
  const [executions, gateRuns, receipt] = await Promise.all([
    api.list<Execution>('Execution'),
    api.list<GateRun>('GateRun'),
    hasEnded(release) ? api.find<Receipt>('Receipt', release.status?.receipt ?? name) : undefined,
  ]);
  const parts = {
    release,
    executions: executions.items.filter(({ spec }) => spec.release === name),
    gateRuns: gateRuns.items.filter(({ spec }) => spec.release === name),
    receipt,
  };
  context.print(...releaseText(parts, context.clock.now(), lineWidth(context), context.paint));
  return EXIT.ok;
}

const LATEST = 5;

async function describeApplication(
  context: Context,
  { api }: Connection,
  application: Stored<Application>,
): Promise<void> {
  const { name } = application.metadata;
  const [tracks, releases] = await Promise.all([api.list<Track>('Track'), api.list<Release>('Release')]);
  const now = context.clock.now();
  const own = tracks.items.filter(({ spec }) => spec.application === name);
  const latest = releases.items
    .filter(({ spec }) => spec.application === name)
    .toSorted(byAge)
    .slice(0, LATEST);
  const { header, rows } = tableOf('Release', latest, { now, wide: false, namespace: false });
  context.print(
    ...applicationText(application, own, now, context.paint),
    ...(rows.length === 0
      ? []
      : ['', 'Latest releases', ...formatTable(header, rows).map((line) => `  ${line}`)]),
  );
}

/** Kinds without a page of their own: all that there is, as YAML. */
async function describeAny(context: Context, { kind, metadata, spec, status }: Stored): Promise<void> {
  const { stringify } = await import('yaml');
  const facts = {
    created: metadata.creationTimestamp,
    ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
    ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
    spec,
    ...(status === undefined ? {} : { status }),
  };
  context.print(
    `${kind} ${context.paint.strong(metadata.name)}`,
    stringify(facts, { lineWidth: 0 }).trimEnd(),
  );
}
