import type { Application } from '../../api/application.ts';
import type { ApiObject, Stored } from '../../api/meta.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { Connection, Context } from '../context.ts';
import { environmentsOf } from '../environments.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { loadManifests } from '../manifest/load.ts';
import { findObject, targetMeant } from '../objects.ts';
import { qualifiedName } from '../output.ts';
import { list } from '../text/words.ts';
import { refuseFiles } from './file-words.ts';
import { leaveEnvironment } from './leave-environment.ts';

interface DeleteOptions {
  readonly filename?: string;
  readonly wait: boolean;
}

const POLL_MS = 100;

/** `slipway delete`: an application is drained and removed by the manager; the command waits until it is gone. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'Delete objects. An application takes no new requests, finishes those inside, then its instances end; with -e it leaves that environment alone.',
      )
      .argument('[kind]', 'a kind, or kind/name')
      .argument('[names...]')
      .option('-f, --filename <file>', 'the objects of this file instead')
      .option('--no-wait', 'do not wait until it is gone');
    examples(
      command,
      'slipway delete app shop',
      'slipway delete app shop -e staging       # leaves staging, stays elsewhere',
      'slipway delete -f app.yaml --yes',
    );
    command.action(
      run(async (context, kind: string | undefined, names: string[], options: DeleteOptions) => {
        if (options.filename === undefined) refuseFiles('delete', kind?.includes('/') ? undefined : kind);
        const connection = await context.connect();
        const objects = await chosen(context, connection, kind, names, options.filename);
        // By the option alone: with the variable, a whole deletion would mean less than it says.
        const environment = context.options.env;
        const leaving = objects.filter(({ kind: one }) => one === 'Application') as Stored<Application>[];
        if (environment !== undefined && leaving.length > 0) {
          refuseOthers(objects, leaving.length);
          return await leaveAll(context, connection, leaving, { environment, wait: options.wait });
        }
        const groups = inOrder(objects, options.wait);
        const places = new Map<string, readonly string[]>();
        for (const { metadata, spec } of leaving)
          places.set(metadata.name, await environmentsOf(connection, { name: metadata.name, spec }));
        await confirm(
          context,
          objects.flatMap((object) => warning(object, places.get(object.metadata.name) ?? [])),
        );
        for (const group of groups) {
          const ended = await removeAll(context, connection, group, options.wait);
          if (ended !== EXIT.ok) return ended;
        }
        return EXIT.ok;
      }),
    );
  },
};

async function leaveAll(
  context: Context,
  connection: Connection,
  applications: readonly Stored<Application>[],
  options: { readonly environment: string; readonly wait: boolean },
): Promise<ExitCode> {
  for (const application of applications) {
    const ended = await leaveEnvironment(context, connection, application, options);
    if (ended !== EXIT.ok) return ended;
  }
  return EXIT.ok;
}

function refuseOthers(objects: readonly Stored[], applications: number): void {
  const other = objects.find(({ kind }) => kind !== 'Application');
  if (objects.length === applications || other === undefined) return;
  throw new SlipwayError(
    'badRequest',
    `Only applications leave an environment, and ${qualifiedName(other)} is none.`,
    { next: 'Delete it without -e.' },
  );
}

/**
 * Applications go first and are waited for: an environment stays while something runs in it, and what drains may
 * still need its secrets.
 */
function inOrder(objects: readonly Stored[], wait: boolean): Stored[][] {
  const applications = objects.filter(({ kind }) => kind === 'Application');
  const others = objects.filter(({ kind }) => kind !== 'Application');
  if (!wait && applications.length > 0 && others.some(({ kind }) => kind === 'Environment')) {
    throw new SlipwayError('badRequest', 'An environment goes when its applications have gone.', {
      next: 'leave out --no-wait',
    });
  }
  return [applications, others].filter((group) => group.length > 0);
}

async function removeAll(
  context: Context,
  connection: Connection,
  objects: readonly Stored[],
  wait: boolean,
): Promise<ExitCode> {
  for (const object of objects) await remove(connection, object);
  context.print(
    ...objects.map(
      (object) =>
        `${context.paint.good('✓')} ${qualifiedName(object)} ${wait ? 'is being deleted' : 'will be deleted'}`,
    ),
  );
  return wait ? await awaitGone(context, connection, objects) : EXIT.ok;
}

async function chosen(
  context: Context,
  connection: Connection,
  kind: string | undefined,
  names: readonly string[],
  file: string | undefined,
): Promise<Stored[]> {
  if (file !== undefined) {
    const manifests = await loadManifests(context, [file]);
    const found = await Promise.all(
      manifests.map(({ object }) => connection.api.find<ApiObject>(object.kind, object.metadata.name)),
    );
    const there = found.filter((object) => object !== undefined);
    if (there.length === 0) throw new SlipwayError('notFound', `Nothing of ${file} is there.`);
    return there;
  }
  if (kind === undefined)
    throw new SlipwayError('badRequest', 'What is to be deleted?', { next: 'slipway delete app shop' });
  const target = await targetMeant(connection, 'delete', [kind, ...names]);
  if (target.names.length === 0) {
    throw new SlipwayError('badRequest', `Which ${target.kind.singular}?`, {
      next: `slipway get ${target.kind.plural}`,
    });
  }
  // A prefix is not enough for what cannot be taken back.
  return await Promise.all(target.names.map((name) => exact(connection, target.kind.kind, name)));
}

async function exact(connection: Connection, kind: string, name: string): Promise<Stored> {
  const object = await findObject<ApiObject>(connection, kind, name);
  if (object.metadata.name === name) return object;
  throw new SlipwayError(
    'badRequest',
    `"${name}" is only the beginning of a name; deleting needs all of it.`,
    {
      next: `slipway delete ${kind.toLowerCase()} ${object.metadata.name}`,
    },
  );
}

function warning(object: Stored, environments: readonly string[]): string[] {
  const name = qualifiedName(object);
  if (object.kind === 'Application') {
    const places = environments.length === 0 ? '' : ` (${list(environments)})`;
    return [
      `This deletes ${name} in every environment${places}: its users get no answer any more, its instances are drained and end.`,
      'Its releases and receipts stay to be read until their retention is over.',
      ...(environments.length > 1
        ? [
            `To leave one environment alone: slipway delete app ${object.metadata.name} -e ${environments.at(-1)}`,
          ]
        : []),
    ];
  }
  if (object.kind === 'Secret')
    return [`This deletes ${name}: instances that start later and need it will not come up.`];
  return [`This deletes ${name}.`];
}

/** The very object that was shown: one of the same name that was made meanwhile stays. */
async function remove({ api }: Connection, { kind, metadata }: Stored): Promise<void> {
  await api.delete(kind, metadata.name, { uid: metadata.uid });
}

async function awaitGone(
  context: Context,
  { api }: Connection,
  objects: readonly Stored[],
): Promise<ExitCode> {
  const signal = context.interrupt.claim();
  for (const object of objects) {
    const { kind, metadata } = object;
    while ((await api.find<ApiObject>(kind, metadata.name))?.metadata.uid === metadata.uid) {
      if (signal.aborted) {
        context.note('', `Stopped waiting. ${qualifiedName(object)} goes on being deleted.`);
        return EXIT.interrupted;
      }
      await context.clock.sleep(POLL_MS, signal).catch(() => undefined);
    }
    context.print(`${context.paint.good('✓')} ${qualifiedName(object)} is gone`);
  }
  return EXIT.ok;
}
