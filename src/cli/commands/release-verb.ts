import type { Command } from 'commander';
import type { ApiObject } from '../../api/meta.ts';
import type { Release } from '../../api/release.ts';
import type { Track } from '../../api/revision.ts';
import { type ReleaseVerb as ReleaseVerbName, releaseCan } from '../../engine/release/capabilities.ts';
import { durationMs } from '../../lib/durations.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { Connection, Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findObject } from '../objects.ts';
import { printObject } from '../output.ts';
import { hasEnded } from '../progress/view.ts';
import { list } from '../text/words.ts';
import { giveCommand, verdictLine } from '../verbs.ts';
import { findActiveRelease } from './active-release.ts';

export interface ReleaseVerbOptions {
  readonly why?: string;
  readonly watch?: boolean;
  readonly timeout?: string;
  readonly [name: string]: unknown;
}

type Given = ApiObject & Parameters<typeof verdictLine>[2];

export interface ReleaseVerb {
  readonly verb: ReleaseVerbName;
  readonly description: string;
  readonly example: string;
  readonly configure?: (command: Command) => void;
  /** What it needs to be given at all, before anybody is asked: throws with what is missing. */
  readonly check?: (release: Release, options: ReleaseVerbOptions) => void;
  /** Said before it is done; absent for verbs that hurt nobody. */
  readonly warning?: (release: Release) => string[];
  readonly parameters?: (options: ReleaseVerbOptions) => Record<string, unknown>;
}

/** An operator's verb on one release: all of them ask, say and watch in the same way. */
export function releaseVerb(definition: ReleaseVerb): CommandModule {
  return {
    configure(command, run) {
      command
        .description(definition.description)
        .argument(
          '<release>',
          'a release, or an application whose release is under way; a unique prefix is enough',
        )
        .option('--why <text>', 'the reason, for the audit and the receipt');
      definition.configure?.(command);
      watchOptions(command);
      examples(command, definition.example);
      command.action(
        run(async (context, word: string, options: ReleaseVerbOptions) => {
          const connection = await context.connect();
          const release = await findActiveRelease(context, connection, word);
          const { name } = release.metadata;
          if (definition.warning !== undefined) {
            refuseFirst(release, definition.verb);
            definition.check?.(release, options);
            await confirm(context, definition.warning(release));
          }
          const { why } = options;
          const parameters = definition.parameters?.(options) ?? {};
          const given = await giveCommand(connection, {
            kind: 'Release',
            name,
            verb: definition.verb,
            why,
            parameters,
          });
          return await afterCommand(context, connection, name, given, options);
        }),
      );
    },
  };
}

/** Nobody is asked about what the state does not allow: the manager's own table says so before. */
export function refuseFirst(release: Release, verb: ReleaseVerbName): void {
  const { metadata, spec, status } = release;
  if (status === undefined) return;
  const { allowed, why } = releaseCan(spec, status)[verb];
  if (allowed) return;
  throw new SlipwayError('refused', `${verb} does nothing for release ${metadata.name}: ${why}.`, {
    next: hasEnded(release) ? `slipway receipt ${metadata.name}` : `slipway why ${metadata.name}`,
  });
}

export function watchOptions(command: Command, what = 'show the release until it has ended'): void {
  command
    .option('-w, --watch', what)
    .option('--timeout <duration>', 'stop watching after this, with exit code 6');
}

export interface ChangeOptions {
  readonly watch?: boolean;
  readonly timeout?: string;
}

/** As `afterCommand`, of a verb that changes an application in place. */
export async function afterChange(
  context: Context,
  connection: Connection,
  application: string,
  given: Given,
  options: ChangeOptions & { readonly restart?: boolean },
): Promise<ExitCode> {
  const { watch, timeout } = options;
  const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
  if (!(await printObject(context, given))) context.print(verdictLine(context, application, given));
  if (watch !== true) return EXIT.ok;
  const { watchInPlace } = await import('../progress/watch-in-place.ts');
  const restart = options.restart === true ? { restart: given.metadata.uid ?? '' } : {};
  return await watchInPlace(context, connection, { application, ...restart, timeoutMs });
}

/** Says what was decided, then watches where that was asked for. */
export async function afterCommand(
  context: Context,
  connection: Connection,
  release: string,
  given: Given,
  options: ReleaseVerbOptions,
): Promise<ExitCode> {
  if (options.watch !== true) {
    if (!(await printObject(context, given))) context.print(verdictLine(context, release, given));
    return EXIT.ok;
  }
  context.note(verdictLine(context, release, given));
  return await watch(context, connection, begunBy(given) ?? release, options.timeout);
}

/** The release that a verb on an ended one has begun, such as `retry`. */
function begunBy({ status }: ApiObject): string | undefined {
  const release = (status as { result?: { release?: unknown } } | undefined)?.result?.release;
  return typeof release === 'string' ? release : undefined;
}

/** Watches, and prints the release itself at the end where data is wanted. */
export async function watch(
  context: Context,
  connection: Connection,
  name: string,
  timeout?: string,
): Promise<ExitCode> {
  context.note(...(await queuedLines(connection, name)));
  const { watchRelease } = await import('../progress/watch-release.ts');
  const exitCode = await watchRelease(
    context,
    connection,
    name,
    timeout === undefined ? {} : { timeoutMs: parseTimeout(timeout) },
  );
  if (context.format !== 'text') await printObject(context, await findObject(connection, 'release', name));
  return exitCode;
}

/** A release in a queue is not made yet, so that there is nothing of it to show: what it waits for is. */
async function queuedLines({ api, namespace }: Connection, name: string): Promise<string[]> {
  const { items } = await api.list<Track>('Track', { namespace });
  return items.flatMap(({ status }) => queuedBehind(name, status));
}

export function queuedBehind(name: string, status: Track['status']): string[] {
  const at = status?.queue.findIndex(({ release }) => release === name) ?? -1;
  if (status === undefined || at < 0) return [];
  const first = status.active?.release;
  const before = [
    ...(first === undefined ? [] : [first]),
    ...status.queue.slice(0, at).map((one) => one.release),
  ];
  if (before.length === 0) return [];
  return [
    `◌ ${name} is queued: it begins when ${list(before)} ${before.length === 1 ? 'has' : 'have'} ended.`,
    `  slipway why ${before[0]}`,
  ];
}

function parseTimeout(text: string): number {
  try {
    return durationMs(text);
  } catch {
    throw new SlipwayError('badRequest', `--timeout ${text} is no length of time.`, {
      next: 'Write it as 30s, 5m or 1h30m.',
    });
  }
}
