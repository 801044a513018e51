import type { Application } from '../../api/application.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { findObject } from '../objects.ts';
import { giveCommand } from '../verbs.ts';
import { afterChange, type ChangeOptions, watchOptions } from './release-verb.ts';

/** `slipway scale`: more or fewer instances, in place: no new revision. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'Change the number of instances in place. Instances that are too many are drained before they end.',
      )
      .argument('<application>', 'a unique prefix is enough')
      .argument('<replicas>', '0 to 1000, or workload=replicas')
      .option('--why <text>', 'the reason, for the audit');
    watchOptions(command, 'show the change until it is done');
    examples(command, 'slipway scale shop 8 --watch', 'slipway scale shop worker=2 -e production');
    command.action(
      run(async (context, word: string, amount: string, options: ChangeOptions & { why?: string }) => {
        const parsed = /^(?:([a-z0-9][-a-z0-9]*)=)?(\d{1,4})$/.exec(amount);
        const replicas = Number(parsed?.[2]);
        if (parsed === null || replicas > 1_000) {
          throw new SlipwayError('badRequest', `"${amount}" is no number of instances.`, {
            next: 'Write 8, or worker=8 for one workload of several; at most 1000.',
          });
        }
        const connection = await context.connect();
        const { metadata } = await findObject<Application>(connection, 'application', word);
        const given = await giveCommand(connection, {
          kind: 'Application',
          name: metadata.name,
          verb: 'scale',
          environment: connection.environment,
          why: options.why,
          parameters: parsed[1] === undefined ? { replicas } : { workload: parsed[1], replicas },
        });
        return await afterChange(context, connection, metadata.name, given, { ...options });
      }),
    );
  },
};
