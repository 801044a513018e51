import { slipwayVersion } from '../../embedded/version.ts';
import { isSlipwayError } from '../../lib/errors.ts';
import type { ManagerVersion } from '../../server/api-client.ts';
import { type CommandModule, examples } from '../command.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { printData } from '../output.ts';

/** `slipway version`: this command's version, and the manager's where one answers. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description('Versions of this command, of the manager and of the agents.')
      .option('--client', 'only of this command');
    examples(command, 'slipway version', 'slipway version --client -o json');
    command.action(
      run(async (context, options: { client?: boolean }) => {
        const client = { version: slipwayVersion(), node: process.version };
        const manager = options.client === true ? undefined : await managerVersion(context);
        if (!(await printData(context, { client, manager: manager ?? null }))) {
          context.print(`slipway ${client.version} (Node ${client.node})`);
          if (manager !== undefined) context.print(...managerLines(manager));
          else if (options.client !== true) context.note('No manager answers here.');
        }
        return EXIT.ok;
      }),
    );
  },
};

/** Undefined where there is none to ask: the command's own version is an answer all the same. */
async function managerVersion(context: Context): Promise<ManagerVersion | undefined> {
  try {
    const { api } = await context.connect();
    return await api.version();
  } catch (error) {
    if (isSlipwayError(error, 'unavailable') || isSlipwayError(error, 'unauthorized')) return undefined;
    throw error;
  }
}

function managerLines({ version, node, clusters }: ManagerVersion): string[] {
  return [
    `manager ${version} (Node ${node})`,
    ...clusters.map(
      (one) =>
        `agent of ${one.name} ${one.connected ? (one.version ?? 'of an unknown version') : 'is not connected'}`,
    ),
  ];
}
