import type { Application } from '../../api/application.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import type { Connection } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { findObject } from '../objects.ts';
import { clean } from '../terminal/clean.ts';
import { pad } from '../terminal/display-width.ts';
import { list } from '../text/words.ts';

interface LogsOptions {
  readonly follow?: boolean;
  readonly workload?: string;
  readonly instance?: string;
  readonly tail: string;
  readonly prefix: boolean;
}

/** `slipway logs`: what the instances print, each line with the instance that it came from. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description('What the instances of an application print, each line behind the name of its instance.')
      .argument('<application>', 'a unique prefix is enough')
      .option('-f, --follow', 'go on until Ctrl-C, new instances included')
      .option('--workload <name>', 'only of this workload')
      .option('--instance <id>', 'only of this instance')
      .option('--tail <lines>', 'begin with so many lines of each instance', '20')
      .option('--no-prefix', 'without the names of the instances');
    examples(command, 'slipway logs shop -f', 'slipway logs shop --instance shop-r2-1 --tail 200');
    command.action(
      run(async (context, word: string, options: LogsOptions) => {
        const tailLines = Number(options.tail);
        if (!Number.isInteger(tailLines) || tailLines < 0 || tailLines > 100_000) {
          throw new SlipwayError('badRequest', `--tail ${options.tail} is no number of lines.`, {
            next: 'Allowed: 0 to 100000.',
          });
        }
        const connection = await context.connect();
        const { metadata } = await findObject<Application>(connection, 'application', word);
        const signal = context.interrupt.claim();
        // What an application prints may hold anything; a file gets it as it is, a terminal without escapes.
        const shown = context.io.stdout.isTTY === true ? clean : (line: string) => line;
        let width = 0;
        let lines = 0;
        try {
          for await (const entry of connection.api.logs(metadata.name, {
            environment: connection.environment,
            ...(options.workload === undefined ? {} : { workload: options.workload }),
            ...(options.instance === undefined ? {} : { instance: options.instance }),
            follow: options.follow === true,
            tailLines,
            signal,
          })) {
            lines += 1;
            if (context.format === 'json') {
              context.print(JSON.stringify(entry));
              continue;
            }
            width = Math.max(width, (entry.instance ?? '').length);
            const prefix =
              options.prefix && entry.instance !== undefined
                ? `${context.paint.dim(pad(clean(entry.instance), width))} | `
                : '';
            context.print(`${prefix}${shown(entry.line)}`);
          }
        } catch (error) {
          if (!signal.aborted) throw error;
        }
        if (lines === 0 && options.instance !== undefined && !signal.aborted)
          await refuseUnknown(connection, metadata.name, options.instance);
        return signal.aborted ? EXIT.interrupted : EXIT.ok;
      }),
    );
  },
};

/** Silence of one that runs is an answer; of one that is not there it would hide a slip of the keys. */
async function refuseUnknown(
  { api, environment }: Connection,
  application: string,
  instance: string,
): Promise<void> {
  const { items } = await api.instances(application, { environment });
  const names = items.flatMap(({ instances }) =>
    (instances as readonly { readonly id: string }[]).map(({ id }) => id),
  );
  if (names.includes(instance)) return;
  throw new SlipwayError(
    'notFound',
    `There is no instance ${instance} of ${application} in ${environment}, and no log of one.`,
    {
      next: names.length === 0 ? `slipway status ${application}` : `There is ${list(names.slice(0, 8))}.`,
    },
  );
}
