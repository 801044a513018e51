import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Secret } from '../../api/environment.ts';
import { API_VERSION } from '../../api/meta.ts';
import { isSlipwayError, SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { Connection, Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { readStdin } from '../io.ts';
import { printData, qualifiedName } from '../output.ts';
import { formatTable } from '../terminal/table.ts';
import { formatAge } from '../text/words.ts';

/** A secret value may have so many bytes; all of an object must fit a store's limit. */
const MOST_BYTES = 256 * 1_024;

interface SetOptions {
  readonly fromFile?: string;
  readonly fromLiteral?: string;
}

/** `slipway secret`: values go in and never come out; a list shows names and short digests. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description('Set, list and delete secret values. They are encrypted at rest and never shown again.')
      .usage('<set|list|delete> [options]');
    examples(
      command,
      'printf %s "$PASSWORD" | slipway secret set shop-db password',
      'slipway secret set shop-db password          # asks for the value',
      'slipway secret list',
    );

    command
      .command('set')
      .description(
        'Set one value, read from standard input or asked for; never from the command line unless you insist.',
      )
      .argument('<name>', 'of the secret; made when there is none')
      .argument('<key>', 'of the value in it')
      .option('--from-file <file>', 'read the value from a file')
      .option('--from-literal <value>', 'take it from here: others may see it in ps and in the shell history')
      .action(
        run(async (context, name: string, key: string, options: SetOptions) => {
          const value = await readValue(context, options, `${name}/${key}`);
          const connection = await context.connect();
          await setValue(connection, name, key, value);
          context.print(
            `${context.paint.good('✓')} secret/${name}: ${key} is set. Instances that start from now on see it:`,
            `  slipway restart APPLICATION`,
          );
          return EXIT.ok;
        }),
      );

    command
      .command('list')
      .description(
        'Secrets, their keys, and a short digest of each value: it tells that a value changed, not what it is.',
      )
      .action(
        run(async (context) => {
          const { api } = await context.connect();
          const { items } = await api.list<Secret>('Secret');
          if (context.format === 'name') context.print(...items.map(qualifiedName));
          else if (!(await printData(context, items))) {
            const rows = items.flatMap(({ metadata, status }) =>
              Object.entries(status?.keys ?? { '': '' }).map(([key, digest]) => [
                metadata.name,
                key,
                digest,
                formatAge(metadata.creationTimestamp, context.clock.now()),
              ]),
            );
            context.print(...formatTable(['NAME', 'KEY', 'DIGEST', 'AGE'], rows));
          }
          return EXIT.ok;
        }),
      );

    command
      .command('delete')
      .description('Delete a secret, or one value of it.')
      .argument('<name>')
      .argument('[key]')
      .action(
        run(async (context, name: string, key: string | undefined) => {
          const { api } = await context.connect();
          const secret = await api.get<Secret>('Secret', name);
          if (key !== undefined && secret.status?.keys?.[key] === undefined) {
            throw new SlipwayError('notFound', `Secret ${name} has no value ${key}.`, {
              next: 'slipway secret list',
            });
          }
          const what =
            key === undefined ? `secret ${name} with all its values` : `value ${key} of secret ${name}`;
          await confirm(context, [
            `This deletes ${what}: instances that start later and need it will not come up.`,
          ]);
          if (key === undefined) await api.delete('Secret', name);
          else await api.patch('Secret', name, { spec: { data: { [key]: null } } });
          context.print(`${context.paint.good('✓')} Deleted ${what}.`);
          return EXIT.ok;
        }),
      );
  },
};

async function setValue(
  { api, namespace }: Connection,
  name: string,
  key: string,
  value: string,
): Promise<void> {
  const spec = { data: { [key]: value } };
  try {
    await api.patch('Secret', name, { spec });
  } catch (error) {
    if (!isSlipwayError(error, 'notFound')) throw error;
    await api.create({ apiVersion: API_VERSION, kind: 'Secret', metadata: { name, namespace }, spec });
  }
}

async function readValue(context: Context, options: SetOptions, what: string): Promise<string> {
  if (options.fromLiteral !== undefined) {
    context.note(
      `${context.paint.warn('!')} The value stood on the command line, where ps and the shell history keep it.`,
    );
    return options.fromLiteral;
  }
  if (options.fromFile !== undefined)
    return readFileSync(resolve(context.io.directory, options.fromFile), 'utf8');
  const value =
    context.io.stdin.isTTY === true ? await askValue(what) : await readStdin(context.io, MOST_BYTES + 1);
  if (value === '')
    throw new SlipwayError('badRequest', `The value of ${what} is empty; nothing was changed.`);
  if (Buffer.byteLength(value) > MOST_BYTES)
    throw new SlipwayError('tooLarge', `A secret value has at most ${MOST_BYTES} bytes.`);
  return value;
}

async function askValue(what: string): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts');
  const value = await password({ message: `Value of ${what}` });
  if (isCancel(value)) throw new SlipwayError('refused', 'Nothing was done.');
  return value ?? '';
}
