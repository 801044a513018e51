import type { Command } from 'commander';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { COMMANDS } from '../commands.ts';
import { DEFAULT_DATA } from '../context.ts';
import { EXIT, EXIT_WORDS } from '../exit-codes.ts';
import { nearest } from '../nearest.ts';

/** `slipway help`: of a command, or one of the topics that belong to none. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description('Help on a command, or on a topic: exit-codes, environment.')
      .argument('[topic]', 'a command, "exit-codes" or "environment"');
    examples(command, 'slipway help release', 'slipway help exit-codes');
    command.action(
      run(async (context, topic: string | undefined) => {
        if (topic === undefined) program(command).outputHelp();
        else if (topic === 'exit-codes') context.print(...exitCodes());
        else if (topic === 'environment') context.print(...environment());
        else await helpOn(program(command), topic);
        return EXIT.ok;
      }),
    );
  },
};

const program = (command: Command): Command => command.parent ?? command;

async function helpOn(root: Command, topic: string): Promise<void> {
  if (COMMANDS.some(({ name }) => name === topic)) {
    await root.parseAsync([topic, '--help'], { from: 'user' });
    return;
  }
  const guess = nearest(topic, [...COMMANDS.map(({ name }) => name), 'exit-codes', 'environment']);
  throw new SlipwayError('badRequest', `There is no command and no topic "${topic}".`, {
    next: guess === undefined ? 'slipway --help lists them.' : `Did you mean ${guess}?`,
  });
}

export function exitCodes(): string[] {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[];
  return [
    'What slipway ends with:',
    ...names.map((name) => `  ${String(EXIT[name]).padStart(3)}  ${EXIT_WORDS[name]}`),
  ];
}

function environment(): string[] {
  return [
    'What slipway reads from the environment (options go before it, client.json of the data directory after):',
    `  SLIPWAY_DATA         data directory (default: ~/${DEFAULT_DATA})`,
    '  SLIPWAY_SERVER       URL of the manager',
    '  SLIPWAY_TOKEN        access token',
    "  SLIPWAY_CA           file with the manager's CA certificate",
    '  SLIPWAY_NAMESPACE    namespace',
    '  SLIPWAY_ENVIRONMENT  environment',
    '  NO_COLOR             no colours, whatever its value',
    '  FORCE_COLOR          colours also where the output is no terminal',
    '  NODE_COMPILE_CACHE   where compiled code is kept between runs',
  ];
}
