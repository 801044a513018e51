/**
 * Errors that people or programs meet. `code` is stable; `message` says what happened and why; `next` is
 * what to run or change. One place maps codes to HTTP (server/error-mapping), one to exit codes
 * (cli/exit-codes).
 */
export type ErrorCode =
  | 'invalid' // 422: the object or argument is wrong
  | 'badRequest' // 400: could not be understood at all
  | 'unauthorized' // 401
  | 'forbidden' // 403
  | 'notFound' // 404
  | 'alreadyExists' // 409 AlreadyExists
  | 'conflict' // 409 Conflict: resourceVersion or precondition
  | 'gone' // 410: resourceVersion compacted
  | 'refused' // 409: the state does not allow the verb
  | 'tooLarge' // 413
  | 'unavailable' // 503: try again
  | 'timeout' // 504
  | 'internal'; // 500

export interface ErrorDetail {
  /** Where: `spec.workload.replicas`. */
  readonly path?: string;
  /** Line in the file, from 1. */
  readonly line?: number;
  readonly message: string;
}

export class SlipwayError extends Error {
  override readonly name: string = 'SlipwayError';
  readonly code: ErrorCode;
  /** What to do next, a command where there is one. */
  readonly next: string | undefined;
  readonly details: readonly ErrorDetail[];

  constructor(
    code: ErrorCode,
    message: string,
    options: { next?: string | undefined; details?: readonly ErrorDetail[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.next = options.next;
    this.details = options.details ?? [];
  }
}

export const isSlipwayError = (error: unknown, code?: ErrorCode): error is SlipwayError =>
  error instanceof SlipwayError && (code === undefined || error.code === code);

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A result whose "cannot" is a reason and no exception. */
export type Result<T, E = string> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/** Breaks loudly where an invariant of invariants.md does not hold. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
  readonly invariant: string;
  constructor(invariant: `INV-${number}`, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}
