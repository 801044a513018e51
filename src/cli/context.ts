import { join } from 'node:path';
import { type Clock, systemClock } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { ApiClient } from '../server/api-client.ts';
import type { Interrupt } from './interrupt.ts';
import type { Io } from './io.ts';
import { COLOURED, type Paint, PLAIN, wantsColour } from './terminal/paint.ts';

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  readonly namespace?: string;
  readonly env?: string;
  readonly data?: string;
  readonly server?: string;
  readonly token?: string;
  readonly ca?: string;
  readonly output?: string;
  readonly verbose?: boolean;
  readonly color: boolean;
  readonly yes?: boolean;
}

export type OutputFormat = 'text' | 'wide' | 'json' | 'yaml' | 'name';

export interface Connection {
  readonly api: ApiClient;
  readonly server: string;
  readonly namespace: string;
  readonly environment: string;
}

/** What one run of a command has at hand. */
export interface Context {
  readonly io: Io;
  readonly clock: Clock;
  readonly options: GlobalOptions;
  readonly format: OutputFormat;
  /** Colours for standard output, or none. */
  readonly paint: Paint;
  readonly interrupt: Interrupt;
  readonly dataDirectory: string;
  /** The answer: standard output, one line each. */
  print(...lines: readonly string[]): void;
  /** What is said besides the answer: standard error. */
  note(...lines: readonly string[]): void;
  /** Made at the first call; refuses with `unavailable` when nothing says where the manager is. */
  connect(): Promise<Connection>;
}

/** Cells of a line of the answer; what goes to a file or a pipe is not cut. */
export const lineWidth = ({ io }: Context): number => io.stdout.columns || Number.POSITIVE_INFINITY;

export const DEFAULT_DATA = '.local/share/slipway';

/** `--data`, SLIPWAY_DATA, or the place in the home directory. */
export const dataDirectory = (options: GlobalOptions, io: Io): string =>
  options.data ?? (io.environment.SLIPWAY_DATA || join(io.home, DEFAULT_DATA));

export function createContext(io: Io, options: GlobalOptions, interrupt: Interrupt): Context {
  let connection: Promise<Connection> | undefined;
  const directory = dataDirectory(options, io);
  const coloured = wantsColour(options, io.environment, io.stdout.isTTY === true);
  return {
    io,
    clock: systemClock(),
    options,
    format: outputFormat(options.output),
    paint: coloured ? COLOURED : PLAIN,
    interrupt,
    dataDirectory: directory,
    print: (...lines) => {
      if (lines.length > 0) io.stdout.write(`${lines.join('\n')}\n`);
    },
    note: (...lines) => {
      if (lines.length > 0) io.stderr.write(`${lines.join('\n')}\n`);
    },
    connect: () => {
      connection ??= import('./connect.ts').then(({ connect }) => connect(options, directory, io));
      return connection;
    },
  };
}

const FORMATS: readonly OutputFormat[] = ['json', 'yaml', 'name', 'wide'];

function outputFormat(word: string | undefined): OutputFormat {
  if (word === undefined) return 'text';
  const format = FORMATS.find((one) => one === word);
  if (format !== undefined) return format;
  throw new SlipwayError('badRequest', `--output ${word} is not known.`, {
    next: `Allowed: ${FORMATS.join(', ')}.`,
  });
}
