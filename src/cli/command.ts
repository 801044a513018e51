import type { Command } from 'commander';
import type { Context, GlobalOptions } from './context.ts';
import type { ExitCode } from './exit-codes.ts';

/**
 * One file of `commands/`: adds arguments, options, an example and an action to its command. Loaded only when
 * the command is the one that runs, so that `--help` stays fast.
 */
export interface CommandModule {
  configure(command: Command, run: Run): void;
}

/** Wraps what a command does: makes the context, and keeps the exit code. */
export type Run = <Arguments extends unknown[]>(
  action: (context: Context, ...values: Arguments) => Promise<ExitCode>,
) => (this: Command, ...values: Arguments) => Promise<void>;

/** Real examples under the options, as `--help` shows them. */
export function examples(command: Command, ...lines: readonly string[]): void {
  const title = lines.length === 1 ? 'Example:' : 'Examples:';
  command.addHelpText('after', `\n${title}\n${lines.map((line) => `  $ ${line}`).join('\n')}`);
}

export type Options = Partial<GlobalOptions>;

/** Collects an option that may be given several times. */
export const repeated = (value: string, before: readonly string[] = []): string[] => [...before, value];
