import { type ErrorCode, type ErrorDetail, messageOf, SlipwayError } from './errors.ts';

/**
 * Kubernetes' `Status` and its two directions: the one place that maps codes to HTTP, and what the client
 * makes of an answer. Imports nothing heavy, since the CLI loads it at every start.
 */
export interface KubernetesStatus {
  readonly apiVersion: 'v1';
  readonly kind: 'Status';
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: 'Failure' | 'Success';
  readonly reason?: string;
  readonly code: number;
  readonly message: string;
  readonly details?: StatusDetails;
}

export interface StatusDetails {
  readonly kind?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  /** What to run or change. */
  readonly next?: string;
}

export interface StatusCause {
  /** Where: `spec.workload.replicas`. */
  readonly field?: string;
  readonly message: string;
  readonly line?: number;
}

/** Code → HTTP status and Kubernetes' reason. `Refused` and `UnsupportedMediaType` beside it are read by us alone. */
const MAPPING: Readonly<Record<ErrorCode, readonly [http: number, reason: string]>> = {
  invalid: [422, 'Invalid'],
  badRequest: [400, 'BadRequest'],
  unauthorized: [401, 'Unauthorized'],
  forbidden: [403, 'Forbidden'],
  notFound: [404, 'NotFound'],
  alreadyExists: [409, 'AlreadyExists'],
  conflict: [409, 'Conflict'],
  gone: [410, 'Expired'],
  refused: [409, 'Refused'],
  tooLarge: [413, 'RequestEntityTooLarge'],
  unavailable: [503, 'ServiceUnavailable'],
  timeout: [504, 'Timeout'],
  internal: [500, 'InternalError'],
};

export const httpStatusOf = (code: ErrorCode): number => MAPPING[code][0];

export function toStatus(
  error: SlipwayError,
  about: { kind?: string; name?: string } = {},
): KubernetesStatus {
  const [code, reason] = MAPPING[error.code];
  const causes = error.details.map((detail) => ({
    ...(detail.path === undefined ? {} : { field: detail.path }),
    message: detail.message,
    ...(detail.line === undefined ? {} : { line: detail.line }),
  }));
  return {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    reason,
    code,
    message: error.message,
    details: {
      ...about,
      ...(causes.length === 0 ? {} : { causes }),
      ...(error.next === undefined ? {} : { next: error.next }),
    },
  };
}

export function successStatus(message: string, details: StatusDetails): KubernetesStatus {
  return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success', code: 200, message, details };
}

export const isStatus = (value: unknown): value is KubernetesStatus =>
  typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'Status';

/** The error that an answer stands for: the reverse of toStatus, also for answers that are no Status. */
export function fromAnswer(http: number, body: unknown): SlipwayError {
  if (!isStatus(body)) return new SlipwayError(codeOf(http, undefined), `the server answered ${http}`);
  const details: ErrorDetail[] = (body.details?.causes ?? []).map((cause) => ({
    ...(cause.field === undefined ? {} : { path: cause.field }),
    ...(cause.line === undefined ? {} : { line: cause.line }),
    message: cause.message,
  }));
  return new SlipwayError(codeOf(body.code, body.reason), body.message, {
    next: body.details?.next,
    details,
  });
}

function codeOf(http: number, reason: string | undefined): ErrorCode {
  const all = Object.entries(MAPPING) as [ErrorCode, readonly [number, string]][];
  const found = all.find(([, m]) => m[1] === reason) ?? all.find(([, m]) => m[0] === http);
  if (found !== undefined) return found[0];
  return http >= 500 ? 'internal' : 'badRequest';
}

/** Anything that was thrown, as the error that may leave the process: an unknown one says nothing of itself. */
export function publicError(error: unknown): SlipwayError {
  if (error instanceof SlipwayError) return error;
  const { statusCode } = error as { statusCode?: unknown };
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new SlipwayError(codeOf(statusCode, undefined), messageOf(error));
  }
  return new SlipwayError('internal', 'the manager failed at this request; its log says why', {
    next: 'slipway status',
    cause: error,
  });
}
