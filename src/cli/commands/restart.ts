import type { Application } from '../../api/application.ts';
import { type CommandModule, examples } from '../command.ts';
import { findObject } from '../objects.ts';
import { giveCommand } from '../verbs.ts';
import { afterChange, type ChangeOptions, watchOptions } from './release-verb.ts';

/** `slipway restart`: every instance is replaced by a new one of the same revision, new before old. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'Replace every instance by a new one of the same revision. Each new one is ready before an old one is drained.',
      )
      .argument('<application>', 'a unique prefix is enough')
      .option('--workload <name>', 'only this workload')
      .option('--why <text>', 'the reason, for the audit');
    watchOptions(command, 'show the change until it is done');
    examples(command, 'slipway restart shop --why "new certificate"');
    command.action(
      run(async (context, word: string, options: ChangeOptions & { workload?: string; why?: string }) => {
        const connection = await context.connect();
        const { metadata } = await findObject<Application>(connection, 'application', word);
        const given = await giveCommand(connection, {
          kind: 'Application',
          name: metadata.name,
          verb: 'restart',
          environment: connection.environment,
          why: options.why,
          parameters: options.workload === undefined ? {} : { workload: options.workload },
        });
        return await afterChange(context, connection, metadata.name, given, { ...options, restart: true });
      }),
    );
  },
};
