import { type CommandModule, examples } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { printData } from '../output.ts';
import { whyText } from '../text/why-text.ts';
import { findActiveRelease } from './release-verb.ts';

/** `slipway why`: one sentence on what blocks, who can unblock it and when it expires. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description('What a release waits for, who can unblock it, and when it expires.')
      .argument('<release|application>', 'a unique prefix is enough');
    examples(command, 'slipway why shop', 'slipway why shop-production-r8 -o json');
    command.action(
      run(async (context, word: string) => {
        const connection = await context.connect();
        const { metadata } = await findActiveRelease(context, connection, word);
        const why = await connection.api.why(metadata.name, { namespace: connection.namespace });
        if (!(await printData(context, why)))
          context.print(...whyText(why, context.clock.now(), context.paint));
        return EXIT.ok;
      }),
    );
  },
};
