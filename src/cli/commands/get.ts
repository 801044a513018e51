import { KIND_NAMES } from '../../api/kind-names.ts';
import type { ApiObject, Stored } from '../../api/meta.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import type { Connection, Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findObject, parseTarget, targetMeant } from '../objects.ts';
import { printData, qualifiedName } from '../output.ts';
import { formatTable } from '../terminal/table.ts';
import { tableOf } from '../text/columns.ts';
import { byAge, compareNames } from '../text/order.ts';

interface GetOptions {
  readonly watch?: boolean;
  readonly selector?: string;
  readonly allNamespaces?: boolean;
}

/** `applications (app, apps)`. */
const kindWords = ({ plural, shortNames }: (typeof KIND_NAMES)[number]): string =>
  shortNames.length === 0 ? plural : `${plural} (${shortNames.join(', ')})`;

/** Kinds that people expect more of than there is. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  Artifact: [
    'Uploaded content has no object of its own; revisions name it by digest:',
    '  slipway get revisions',
  ],
};

type Kind = ReturnType<typeof parseTarget>['kind'];

/** `slipway get`: objects of one kind or several as tables, as kubectl prints them. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description('List the objects of a kind, or those named. A unique prefix of a name is enough.')
      .argument('<kind>', 'applications, releases, revisions, …; several as app,rel; or kind/name')
      .argument('[names...]')
      .option('-w, --watch', 'go on printing changes')
      .option('-l, --selector <labels>', 'only objects with these labels, such as team=web')
      .option('-A, --all-namespaces', 'of every namespace');
    command.addHelpText('after', `\nKinds: ${KIND_NAMES.map(kindWords).join(', ')}`);
    examples(command, 'slipway get releases --watch', 'slipway get app,rel', 'slipway get app shop -o yaml');
    command.action(
      run(async (context, kindWord: string, more: string[], options: GetOptions) => {
        const connection = await context.connect();
        const words = [kindWord, ...more];
        if (more.length > 0 && words.every((word) => word.includes('/')))
          return await byName(context, connection, words, options);
        if (kindWord.includes(',')) return await severalKinds(context, connection, kindWord, more, options);
        const { kind, names } = await targetMeant(connection, 'get', [kindWord, ...more]);
        if (options.watch === true) return await watchObjects(context, connection, kind, names, options);
        const objects = await readObjects(connection, kind, names, options);
        return await print(context, connection, kind, objects, names.length === 1, options);
      }),
    );
  },
};

/** `app/web rel/web-local-r1`: each name of its own kind, one table for each. */
async function byName(
  context: Context,
  connection: Connection,
  words: readonly string[],
  options: GetOptions,
): Promise<ExitCode> {
  const targets = Map.groupBy(words, (word) => parseTarget([word]).kind.kind);
  if (options.watch === true && targets.size > 1) refuseSeveral([...targets.keys()]);
  const names = (all: readonly string[]) => all.map((word) => word.slice(word.indexOf('/') + 1));
  if (targets.size === 1) {
    const { kind } = parseTarget([words[0] ?? '']);
    if (options.watch === true) return await watchObjects(context, connection, kind, names(words), options);
    const objects = await readObjects(connection, kind, names(words), options);
    return await print(context, connection, kind, objects, false, options);
  }
  const groups = await Promise.all(
    [...targets.values()].map(async (own) => {
      const { kind } = parseTarget([own[0] ?? '']);
      return { kind, objects: await readObjects(connection, kind, names(own), options) };
    }),
  );
  return await printGroups(context, connection, groups, options);
}

function refuseSeveral(kinds: readonly string[]): never {
  throw new SlipwayError('badRequest', 'Only one kind can be watched at a time.', {
    next: `slipway get ${parseTarget([kinds[0] ?? 'releases']).kind.plural} --watch`,
  });
}

async function printGroups(
  context: Context,
  connection: Connection,
  groups: readonly { readonly kind: Kind; readonly objects: readonly Stored[] }[],
  options: GetOptions,
): Promise<ExitCode> {
  if (context.format === 'json' || context.format === 'yaml') {
    const items = groups.flatMap(({ objects }) => objects);
    await printData(context, { apiVersion: 'v1', kind: 'List', metadata: {}, items });
    return EXIT.ok;
  }
  let shown = 0;
  for (const { kind, objects } of groups) {
    if (shown > 0 && objects.length > 0 && context.format !== 'name') context.print('');
    shown += objects.length;
    await print(context, connection, kind, objects, false, options);
  }
  return EXIT.ok;
}

/** One table below the other; for scripts one list. Names are looked for in each kind. */
async function severalKinds(
  context: Context,
  connection: Connection,
  words: string,
  names: readonly string[],
  options: GetOptions,
): Promise<ExitCode> {
  const kinds = words
    .split(',')
    .filter((word) => word !== '')
    .map((word) => parseTarget([word]).kind);
  if (options.watch === true) refuseSeveral(kinds.map(({ kind }) => kind));
  const read = await Promise.all(kinds.map((kind) => readObjects(connection, kind, names, options)));
  return await printGroups(
    context,
    connection,
    kinds.map((kind, at) => ({ kind, objects: read[at] ?? [] })),
    options,
  );
}

async function readObjects(
  connection: Connection,
  kind: Kind,
  names: readonly string[],
  options: GetOptions,
): Promise<Stored[]> {
  if (names.length > 0)
    return await Promise.all(names.map((name) => findObject<ApiObject>(connection, kind.kind, name)));
  const { items } = await connection.api.list(kind.kind, scope(connection, options));
  return sorted(kind, items);
}

const scope = ({ namespace }: Connection, { allNamespaces, selector }: GetOptions) => ({
  namespace,
  ...(allNamespaces === true ? { allNamespaces } : {}),
  ...(selector === undefined ? {} : { labels: parseSelector(selector) }),
});

function parseSelector(text: string): Record<string, string> {
  const pairs = text.split(',').map((part) => /^([^=!]+)==?([^=]*)$/.exec(part));
  if (pairs.some((pair) => pair === null)) {
    throw new SlipwayError('badRequest', `"${text}" is no label selector.`, {
      next: 'Write it as team=web,tier=front.',
    });
  }
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
}

/** Releases newest last, as they are made; everything else by name. */
function sorted(kind: Kind, items: readonly Stored[]): Stored[] {
  if (kind.kind === 'Release') return items.toSorted((a, b) => byAge(b, a));
  return items.toSorted((a, b) => compareNames(a.metadata.name, b.metadata.name));
}

async function print(
  context: Context,
  { namespace }: Connection,
  kind: Kind,
  objects: readonly Stored[],
  single: boolean,
  options: GetOptions,
): Promise<ExitCode> {
  if (context.format === 'name') {
    context.print(...objects.map(qualifiedName));
    return EXIT.ok;
  }
  const data = single ? objects[0] : { apiVersion: 'v1', kind: 'List', metadata: {}, items: objects };
  if (await printData(context, data)) return EXIT.ok;
  if (objects.length === 0) {
    const where = options.allNamespaces === true || !kind.namespaced ? '' : ` in namespace ${namespace}`;
    context.note(`There are no ${kind.plural}${where}.`, ...(ELSEWHERE[kind.kind] ?? []));
    return EXIT.ok;
  }
  context.print(...rows(context, kind, objects, options));
  return EXIT.ok;
}

function rows(context: Context, kind: Kind, objects: readonly Stored[], options: GetOptions): string[] {
  const wide = context.format === 'wide';
  const { header, rows } = tableOf(kind.kind, objects, {
    now: context.clock.now(),
    wide,
    namespace: options.allNamespaces === true,
  });
  return formatTable(header, rows);
}

/** Prints what there is, then each object again whenever it changes, until Ctrl-C. */
async function watchObjects(
  context: Context,
  connection: Connection,
  kind: Kind,
  names: readonly string[],
  options: GetOptions,
): Promise<ExitCode> {
  // Watching asks again and again where no manager answers; the first time that is an error.
  if (names.length === 0) await connection.api.list(kind.kind, { namespace: connection.namespace, limit: 1 });
  const wanted = await Promise.all(names.map((name) => findObject<ApiObject>(connection, kind.kind, name)));
  const only = new Set(wanted.map(({ metadata }) => metadata.name));
  const shown = new Map<string, string>();
  let first = true;
  const { follow } = await import('../progress/follow.ts');
  await follow<ApiObject>(connection.api, kind.kind, {
    ...scope(connection, options),
    signal: context.interrupt.claim(),
    wanted: ({ metadata }) => only.size === 0 || only.has(metadata.name),
    changed: (objects) => {
      const changed = sorted(kind, [...objects.values()]).filter(({ metadata }) => {
        const known = shown.get(metadata.uid) === metadata.resourceVersion;
        shown.set(metadata.uid, metadata.resourceVersion);
        return !known;
      });
      if (changed.length === 0) return;
      if (context.format === 'json') context.print(...changed.map((object) => JSON.stringify(object)));
      else if (context.format === 'name') context.print(...changed.map(qualifiedName));
      else context.print(...rows(context, kind, changed, options).slice(first ? 0 : 1));
      first = false;
    },
  });
  return EXIT.ok;
}
