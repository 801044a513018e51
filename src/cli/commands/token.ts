import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples, repeated } from '../command.ts';
import { confirm } from '../confirm.ts';
import { EXIT } from '../exit-codes.ts';
import { printData } from '../output.ts';
import { formatTable } from '../terminal/table.ts';
import { formatAge } from '../text/words.ts';

const ROLES = ['viewer', 'developer', 'releaser', 'admin', 'agent'] as const;
type Role = (typeof ROLES)[number];

/** `slipway token`: who may call, and with which rights. */
export const command: CommandModule = {
  configure(command, run) {
    command.description('Create, list and revoke access tokens.').usage('<create|list|revoke> [options]');
    examples(
      command,
      'slipway token create ci --role releaser',
      'slipway token list',
      'slipway token revoke ci',
    );

    command
      .command('create')
      .description(`Make a token and print it; it is shown this once. Roles: ${ROLES.join(', ')}.`)
      .argument('<name>', 'what audit lines and receipts will say')
      .option('-r, --role <role>', 'repeatable (default: viewer)', repeated)
      .option('--cluster <name>', 'for the role agent: the cluster it speaks for')
      .action(
        run(async (context, name: string, options: { role?: string[]; cluster?: string }) => {
          const roles = (options.role ?? ['viewer']).map(parseRole);
          const { api } = await context.connect();
          const created = await api.tokens.create({
            name,
            roles,
            ...(options.cluster === undefined ? {} : { cluster: options.cluster }),
          });
          if (await printData(context, created)) return EXIT.ok;
          // The token alone on standard output, so that it can go straight into a variable or a secret store.
          context.note(
            `${context.paint.good('✓')} Token ${name} (${roles.join(', ')}). It is shown only now:`,
          );
          context.print(created.token);
          return EXIT.ok;
        }),
      );

    command
      .command('list')
      .description('Tokens by name and role; the tokens themselves are kept nowhere.')
      .action(
        run(async (context) => {
          const { api } = await context.connect();
          const tokens = await api.tokens.list();
          if (context.format === 'name') context.print(...tokens.map(({ name }) => name));
          else if (!(await printData(context, tokens))) {
            const rows = tokens.map(({ name, roles, cluster, createdAt }) => [
              name,
              roles.join(','),
              cluster ?? '',
              formatAge(createdAt, context.clock.now()),
            ]);
            context.print(...formatTable(['NAME', 'ROLES', 'CLUSTER', 'AGE'], rows));
          }
          return EXIT.ok;
        }),
      );

    command
      .command('revoke')
      .description('End a token; what it has open ends too.')
      .argument('<name>')
      .action(
        run(async (context, name: string) => {
          const { api } = await context.connect();
          await confirm(context, [`This ends token ${name}: whoever uses it is refused from now on.`]);
          await api.tokens.revoke(name);
          context.print(`${context.paint.good('✓')} Token ${name} is revoked.`);
          return EXIT.ok;
        }),
      );
  },
};

function parseRole(text: string): Role {
  const role = ROLES.find((one) => one === text);
  if (role !== undefined) return role;
  throw new SlipwayError('badRequest', `There is no role "${text}".`, {
    next: `Allowed: ${ROLES.join(', ')}.`,
  });
}
