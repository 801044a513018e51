import type { ErrorCode } from '../lib/errors.ts';

/** What the process ends with. Documented by `slipway help exit-codes`; scripts rely on them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  notReleased: 4,
  unreachable: 5,
  timeout: 6,
  /** 128 + SIGINT, as shells count. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** In the order of the numbers, for the help page. */
export const EXIT_WORDS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done as asked (for `diff`: nothing would change)',
  failed: 'failed or refused; the message says why (for `diff`: something would change)',
  usage: 'the command line or a file is wrong',
  notFound: 'there is no such object',
  notReleased: 'the release did not succeed: rolled back, aborted, superseded or failed',
  unreachable: 'the manager cannot be reached',
  timeout: 'it took longer than --timeout allows',
  interrupted: 'ended by Ctrl-C; a release goes on',
};

const BY_CODE: Readonly<Record<ErrorCode, ExitCode>> = {
  invalid: EXIT.usage,
  badRequest: EXIT.usage,
  unauthorized: EXIT.failed,
  forbidden: EXIT.failed,
  notFound: EXIT.notFound,
  alreadyExists: EXIT.failed,
  conflict: EXIT.failed,
  gone: EXIT.failed,
  refused: EXIT.failed,
  tooLarge: EXIT.failed,
  unavailable: EXIT.unreachable,
  timeout: EXIT.timeout,
  internal: EXIT.failed,
};

/** The one place that maps errors to exit codes. */
export const exitCodeOf = (code: ErrorCode): ExitCode => BY_CODE[code];
