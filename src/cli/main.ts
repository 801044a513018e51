import { homedir } from 'node:os';
import process from 'node:process';
import { SlipwayError } from '../lib/errors.ts';
import { EXIT } from './exit-codes.ts';
import { Interrupt } from './interrupt.ts';
import { runCli } from './program.ts';

/** The process `slipway`: real streams and signals around `runCli`. */
const interrupt = new Interrupt();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!interrupt.fire(signal)) process.exit(EXIT.interrupted);
  });
}

// `slipway get releases | head -1` is no error: nobody reads on, so there is nothing left to do.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
}

function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new SlipwayError(
      'badRequest',
      'The current directory was deleted, and relative paths lead nowhere.',
      {
        next: 'cd to a directory that is there, then run this again.',
        cause,
      },
    );
  }
}

process.exitCode = await runCli(
  process.argv.slice(2),
  {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    environment: process.env,
    home: homedir(),
    // Asked for by those who need it: `slipway version` says its version from a directory that is gone as well.
    get directory() {
      return currentDirectory();
    },
  },
  interrupt,
);
