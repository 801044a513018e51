import type { Receipt } from '../../api/execution.ts';
import type { Release } from '../../api/release.ts';
import { isSlipwayError, SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import type { Connection } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { printObject } from '../output.ts';
import { hasEnded } from '../progress/view.ts';
import { endReason } from '../text/end-reason.ts';
import { receiptText } from '../text/receipt-text.ts';
import { findActiveRelease } from './active-release.ts';

/** `slipway receipt`: the measured evidence of a release, each figure with its source. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'The measured evidence of a release: requests, failures, flips, drains, gates, and who did what.',
      )
      .argument('<release|application>', 'a unique prefix is enough; of an application, its latest release');
    examples(command, 'slipway receipt shop-local-r2', 'slipway receipt shop -o json');
    command.action(
      run(async (context, word: string) => {
        const connection = await context.connect();
        const release = await findActiveRelease(context, connection, word);
        const receipt = await readReceipt(connection, release);
        if (!(await printObject(context, receipt))) {
          const now = context.clock.now();
          const { name } = release.metadata;
          context.print(...receiptText(name, receipt.spec, now, context.paint, endReason(release, now)));
        }
        return EXIT.ok;
      }),
    );
  },
};

async function readReceipt(connection: Connection, release: Release): Promise<Receipt> {
  const { name } = release.metadata;
  try {
    return await connection.api.get<Receipt>('Receipt', release.status?.receipt ?? name, {
      namespace: connection.namespace,
    });
  } catch (error) {
    if (!isSlipwayError(error, 'notFound')) throw error;
    throw new SlipwayError(
      'notFound',
      `Release ${name} has no receipt${hasEnded(release) ? '' : ' before it has ended'}.`,
      {
        next: hasEnded(release)
          ? `slipway describe release/${name}`
          : `slipway describe release/${name} --watch`,
      },
    );
  }
}
