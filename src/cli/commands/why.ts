import type { Application } from '../../api/application.ts';
import type { Release } from '../../api/release.ts';
import { type CommandModule, examples } from '../command.ts';
import type { Connection, Context } from '../context.ts';
import { namedEnvironment } from '../environments.ts';
import { EXIT } from '../exit-codes.ts';
import { printData, refuseNames } from '../output.ts';
import { whyText } from '../text/why-text.ts';
import { findActiveRelease } from './active-release.ts';
import { findUnmade } from './unmade-release.ts';

/** `slipway why`: one sentence on what blocks, who can unblock it and when it expires. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description('What a release or an application waits for, who can unblock it, and when it expires.')
      .argument('<release|application>', 'a unique prefix is enough');
    examples(command, 'slipway why shop', 'slipway why shop-production-r8 -o json');
    command.action(
      run(async (context, word: string) => {
        refuseNames(context, 'why');
        const connection = await context.connect();
        const { api, namespace } = connection;
        const application = await applicationMeant(connection, word);
        const env = namedEnvironment(context);
        const why =
          application === undefined
            ? await api.why(await releaseMeant(context, connection, word), { namespace })
            : await api.whyApplication(application, {
                namespace,
                ...(env === undefined ? {} : { environment: env }),
              });
        if (!(await printData(context, why)))
          context.print(...whyText(why, context.clock.now(), context.paint));
        return EXIT.ok;
      }),
    );
  },
};

/** One in the queue is asked about by its name: there is no object of it yet. */
async function releaseMeant(context: Context, connection: Connection, word: string): Promise<string> {
  const unmade = await findUnmade(connection, word);
  return unmade?.claim.release ?? (await findActiveRelease(context, connection, word)).metadata.name;
}

/** An application may be blocked before it has any release; undefined where the word means a release. */
async function applicationMeant({ api, namespace }: Connection, word: string): Promise<string | undefined> {
  if ((await api.find<Release>('Release', word, { namespace })) !== undefined) return undefined;
  const { items } = await api.list<Application>('Application', { namespace });
  const names = items.map(({ metadata }) => metadata.name);
  if (names.includes(word)) return word;
  const begun = names.filter((name) => name.startsWith(word));
  return begun.length === 1 ? begun[0] : undefined;
}
