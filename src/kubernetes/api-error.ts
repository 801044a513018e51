import { type ErrorCode, SlipwayError } from '../lib/errors.ts';
import { fromAnswer, isStatus, type KubernetesStatus } from '../lib/status.ts';

/** What the API server said, or that it said nothing. */
export class KubernetesError extends SlipwayError {
  override readonly name = 'KubernetesError';
  /** HTTP status; null where no answer came. */
  readonly http: number | null;
  /** Kubernetes' reason: `NotFound`, `AlreadyExists`, `TooManyRequests`, … */
  readonly reason: string | null;
  /** ms that the server asks to wait before the next attempt; null where it asks for none. */
  readonly retryAfterMs: number | null;

  constructor(
    code: ErrorCode,
    message: string,
    of: {
      readonly http?: number | null;
      readonly reason?: string | null;
      readonly retryAfterMs?: number | null;
      readonly next?: string | undefined;
      readonly details?: SlipwayError['details'];
      readonly cause?: unknown;
    } = {},
  ) {
    const { next, details, cause } = of;
    super(code, message, { next, cause, ...(details === undefined ? {} : { details }) });
    this.http = of.http ?? null;
    this.reason = of.reason ?? null;
    this.retryAfterMs = of.retryAfterMs ?? null;
  }
}

/**
 * The error of an answer from 400 on. 429 is `unavailable`: the request was not looked at
 * (https://kubernetes.io/docs/concepts/cluster-administration/flow-control/), so every kind may be sent again.
 *
 * @param what what was asked, in words: `create releases.slipway.dev shop/shop-local-r2`
 */
export function errorOfAnswer(
  what: string,
  http: number,
  body: unknown,
  retryAfter: string | undefined,
): KubernetesError {
  const status = isStatus(body) ? body : undefined;
  const { code, message, details } = fromAnswer(http, body);
  const words = message === '' ? `the server answered ${http}` : message;
  return new KubernetesError(codeOf(http, status, code), `${what}: ${words}`, {
    ...{ http, reason: status?.reason ?? null, details },
    retryAfterMs: retryAfterMs(retryAfter, status),
    next: nextOf(http, status),
  });
}

function codeOf(http: number, status: KubernetesStatus | undefined, code: ErrorCode): ErrorCode {
  if (http === 429) return 'unavailable';
  // That something exists already must be said in words.
  if (http === 409 && status?.reason !== 'AlreadyExists') return 'conflict';
  return code;
}

/** Of the header, or of the Status where that is no number of seconds: a proxy may write a date. */
function retryAfterMs(header: string | undefined, status: KubernetesStatus | undefined): number | null {
  const details = status?.details as { readonly retryAfterSeconds?: number } | undefined;
  const asked = [header === '' ? undefined : header, details?.retryAfterSeconds].map(Number);
  const seconds = asked.find((each) => Number.isFinite(each) && each >= 0);
  return seconds === undefined ? null : seconds * 1_000;
}

function nextOf(http: number, status: KubernetesStatus | undefined): string | undefined {
  if (http === 401) return 'kubectl auth whoami: the credentials of the kubeconfig are refused';
  if (http === 403) return 'kubectl auth can-i --list: grant what is missing';
  // No Status: the path itself is not served, so the kind is not there.
  if (http === 404 && status === undefined)
    return 'kubectl api-resources: the custom resources are not installed';
  return undefined;
}

/** No answer came: a write may have happened all the same. */
export const noAnswer = (what: string, why: string, cause?: unknown): KubernetesError =>
  new KubernetesError('unavailable', `${what}: ${why}`, { next: 'kubectl get --raw /readyz', cause });

/** It is not there, and its kind is. */
export const isMissing = (error: unknown): boolean =>
  error instanceof KubernetesError && error.http === 404 && error.reason === 'NotFound';
