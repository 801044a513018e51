import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DataDirectory } from '../../embedded/data-directory.ts';
import type { Leftovers } from '../../embedded/leftovers.ts';
import type { SupervisorStatus } from '../../embedded/supervisor-control.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { cleanLine } from '../terminal/clean.ts';

/** `slipway down`: ends Slipway on this machine, and with it the applications that it runs. */
export const command: CommandModule = {
  configure(command, run) {
    command.description(
      'Stop Slipway on this machine and the applications that it runs. Requests inside are finished first.',
    );
    examples(command, 'slipway down', 'slipway down --yes --data /var/lib/slipway');
    command.action(
      run(async (context) => {
        const [{ dataDirectory }, { ask, supervisorStatus }] = await Promise.all([
          import('../../embedded/data-directory.ts'),
          import('../../embedded/supervisor-client.ts'),
        ]);
        const data = dataDirectory(resolve(context.io.directory, context.dataDirectory));
        const status = (await supervisorStatus(data)) ?? (await supervisorOrLeftovers(context, data));
        if (status === undefined) return EXIT.ok;
        await confirm(context, [
          `This stops Slipway on ${status.data} and every application that it runs: users get no answer on ${status.urls.entry.join(', ')}.`,
          'Nothing is forgotten: "slipway up" starts the same again.',
        ]);
        for await (const line of ask(data, 'stop')) {
          if (line.type === 'progress') context.note(`  ${cleanLine(line.message)}`);
          if (line.type === 'error')
            throw new SlipwayError('internal', line.message, { next: 'slipway status' });
        }
        context.print(`${context.paint.good('✓')} Slipway on ${status.data} has ended.`);
        return EXIT.ok;
      }),
    );
  },
};

/** A router without a supervisor starts one within this, on a slow machine too, ms. */
const SUCCESSOR_MS = 10_000;
const POLL_MS = 50;

/**
 * Where no supervisor answers: the one that a living router is about to start, or else what was left without
 * one, which is ended here. Undefined when nothing is left to do.
 */
async function supervisorOrLeftovers(
  context: Context,
  data: DataDirectory,
): Promise<SupervisorStatus | undefined> {
  const [{ endLeftovers, leftoversOf }, { supervisorStatus }] = await Promise.all([
    import('../../embedded/end-leftovers.ts'),
    import('../../embedded/supervisor-client.ts'),
  ]);
  let left = await leftoversOf(data);
  const deadline = context.clock.monotonic() + SUCCESSOR_MS;
  const comes = ({ roles }: Leftovers): boolean =>
    existsSync(data.settingsFile) && roles.some(({ role }) => role === 'router' || role === 'supervisor');
  while (comes(left) && context.clock.monotonic() < deadline) {
    const status = await supervisorStatus(data);
    if (status !== undefined) return status;
    await context.clock.sleep(POLL_MS);
    left = await leftoversOf(data);
  }
  const supervisor = left.roles.find(({ role }) => role === 'supervisor');
  if (supervisor !== undefined) {
    const { pid } = supervisor.identity;
    throw new SlipwayError('timeout', `Slipway's supervisor, process ${pid}, runs and does not answer.`, {
      next: `kill -9 ${pid}; slipway down   (applications go on until then)`,
    });
  }
  if (left.roles.length + left.groups.length === 0) {
    context.print(`No Slipway runs on ${data.root}.`);
    return undefined;
  }
  await confirm(context, [
    `No supervisor runs on ${data.root}, but this was left of a Slipway and ends now:`,
    ...left.roles.map(({ role, identity }) => `  ${role}, process ${identity.pid}`),
    ...left.groups.map(({ id, identity }) => `  instance ${id}, process ${identity.pid}`),
  ]);
  await endLeftovers(data, context.clock, (message) => context.note(`  ${cleanLine(message)}`));
  context.print(`${context.paint.good('✓')} What was left of Slipway on ${data.root} has ended.`);
  return undefined;
}
