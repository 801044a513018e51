import { Command, CommanderError, Option } from 'commander';
import type { Run } from './command.ts';
import { COMMANDS } from './commands.ts';
import { createContext, type GlobalOptions } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Interrupt } from './interrupt.ts';
import type { Io } from './io.ts';
import { errorData, explainError } from './report-error.ts';

/**
 * The command line: parses, loads the one command that is asked for, runs it, and answers the exit code.
 */
export async function runCli(argv: readonly string[], io: Io, interrupt: Interrupt): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const run: Run = (action) =>
    async function (this: Command, ...values) {
      const context = createContext(io, this.optsWithGlobals<GlobalOptions>(), interrupt);
      exitCode = await action(context, ...values);
    };
  const program = createProgram(io, run);
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return EXIT.usage;
    }
    // What every other program answers to. The command says more, also of the manager.
    const words = argv[0] === '--version' ? ['version', '--client', ...argv.slice(1)] : argv;
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed its own message already; help and version arrive here with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const verbose = argv.includes('--verbose');
    const { lines, code } = explainError(error, verbose);
    io.stderr.write(`${asksForJson(argv) ? JSON.stringify(errorData(error)) : lines.join('\n')}\n`);
    return code;
  }
}

/** Read from the words themselves: what was thrown may have come before they were parsed. */
const asksForJson = (argv: readonly string[]): boolean =>
  argv.some(
    (word, at) =>
      /^(?:-o=?|--output=)json$/.test(word) || (/^(?:-o|--output)$/.test(word) && argv[at + 1] === 'json'),
  );

export function createProgram(io: Io, run: Run): Command {
  const program = new Command('slipway');
  program
    .description('Releases services without one failed request, and proves it with a receipt.')
    .usage('<command> [options]')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns || 80,
      getErrHelpWidth: () => io.stderr.columns || 80,
      outputError: (text, write) => write(`${text.replace(/^error: /, 'slipway: ').trimEnd()}\n`),
    })
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .showHelpAfterError('Run "slipway --help" for all commands.');
  for (const option of globalOptions()) program.addOption(option.hideHelp());
  program.addHelpText('after', () => `\n${[...FIRST_STEPS, '', ...optionLines(program)].join('\n')}`);
  for (const entry of COMMANDS) {
    program
      .command(entry.name)
      .summary(entry.summary)
      .description(`${entry.summary.charAt(0).toUpperCase()}${entry.summary.slice(1)}.`)
      .helpGroup(entry.group)
      .showHelpAfterError(`Run "slipway ${entry.name} --help" for its options and an example.`);
  }
  program.hook('preSubcommand', async (_program, command) => {
    const entry = COMMANDS.find((one) => one.name === command.name());
    if (entry === undefined) return;
    (await entry.load()).command.configure(command, run);
    defaultNegated(command);
  });
  return program;
}

/**
 * `--no-wait` alone means that `wait` is true by default. Commander sets that when it begins to parse, which is
 * before a command that is loaded late has its options.
 */
function defaultNegated(command: Command): void {
  for (const option of command.options) {
    const name = option.attributeName();
    if (option.negate && command.getOptionValue(name) === undefined) {
      command.setOptionValueWithSource(name, true, 'default');
    }
  }
}

const FIRST_STEPS = [
  'First steps:',
  '  $ slipway up',
  '  $ slipway init && slipway release -f app.yaml --watch',
  '  $ slipway release shop --artifact ./dist --watch',
];

/** After the commands: what people look for comes first. */
function optionLines(program: Command): string[] {
  const width = Math.max(...program.options.map(({ flags }) => flags.length));
  return [
    'Options of every command, before or after its name:',
    ...program.options.map(({ flags, description }) => `  ${flags.padEnd(width)}  ${description}`),
    `  ${'--version'.padEnd(width)}  as "slipway version --client" (alone)`,
  ];
}

/** Read before or after the command's name. */
function globalOptions(): Option[] {
  return [
    new Option('-n, --namespace <name>', 'namespace (SLIPWAY_NAMESPACE; "default")'),
    new Option('-e, --env <name>', 'environment (SLIPWAY_ENVIRONMENT; "local")'),
    new Option('-o, --output <format>', 'json, yaml, name or wide, for scripts'),
    new Option('--data <directory>', 'data directory (SLIPWAY_DATA; ~/.local/share/slipway)'),
    new Option('--server <url>', 'manager to talk to (SLIPWAY_SERVER)'),
    new Option('--token <token>', 'access token (SLIPWAY_TOKEN, which ps does not show)'),
    new Option('--ca <file>', "the manager's CA certificate (SLIPWAY_CA)"),
    new Option('-y, --yes', 'do not ask'),
    new Option('--no-color', 'no colours (NO_COLOR)'),
    new Option('--verbose', 'show causes and stack traces of errors'),
  ];
}
