import type { Secret } from '../../api/environment.ts';
import { type CommandModule, examples } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { printData, qualifiedName } from '../output.ts';
import { formatTable } from '../terminal/table.ts';
import { formatAge } from '../text/words.ts';
import { type DeleteOptions, deleteSecret } from './secret-delete.ts';
import { type SetOptions, setSecret } from './secret-set.ts';

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
        run((context, name: string, key: string, options: SetOptions) =>
          setSecret(context, name, key, options),
        ),
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
      .description('Delete a secret, or one value of it. What is in use stays, unless it is forced.')
      .argument('<name>')
      .argument('[key]')
      .option('--force', 'also where applications use it; needs --why')
      .option('--why <text>', 'the reason of a forced deletion, for the audit')
      .action(
        run((context, name: string, key: string | undefined, options: DeleteOptions) =>
          deleteSecret(context, name, key, options),
        ),
      );
  },
};
