/** What must be true of a complete answer. Pure; undefined means that all is well. */
import { createHash } from 'node:crypto';
import type { Answer } from './exchange.ts';
import type { Failure } from './report.ts';

/** Status 200, `bytes` long where that is known, and as its own digest says (RFC 9530) where it has one. */
export function checkBody(answer: Answer, bytes?: number): Failure | undefined {
  if (answer.status !== 200) return wrongStatus(answer);
  if (bytes !== undefined && answer.body.length !== bytes) {
    return { cause: 'wrongLength', detail: `asked for ${bytes} bytes, got ${answer.body.length}` };
  }
  const stated = /sha-256=:([^:]+):/.exec(String(answer.headers['content-digest'] ?? ''))?.[1];
  if (stated === undefined) {
    if (bytes === undefined) return undefined;
    return { cause: 'wrongDigest', detail: 'the answer states no digest' };
  }
  const measured = createHash('sha256').update(answer.body).digest('base64');
  if (measured === stated) return undefined;
  return { cause: 'wrongDigest', detail: `the body is ${measured}, its digest says ${stated}` };
}

export interface Sent {
  readonly length: number;
  /** Hex. */
  readonly sha256: string;
  /** The digest that went as a trailer, or null where none was sent. */
  readonly trailer: string | null;
}

/** The server says that it got exactly what was sent. */
export function checkUpload(answer: Answer, sent: Sent): Failure | undefined {
  const wrong = checkBody(answer);
  if (wrong !== undefined) return wrong;
  let got: Partial<Sent>;
  try {
    got = JSON.parse(answer.body.toString('utf8')) as Partial<Sent>;
  } catch {
    return { cause: 'wrongDigest', detail: `not JSON: ${answer.body.toString('latin1').slice(0, 80)}` };
  }
  if (got.length !== sent.length) {
    return { cause: 'wrongLength', detail: `sent ${sent.length} bytes, the server got ${got.length}` };
  }
  if (got.sha256 !== sent.sha256) {
    return { cause: 'wrongDigest', detail: `sent ${sent.sha256}, the server got ${got.sha256}` };
  }
  if ((got.trailer ?? null) !== sent.trailer) {
    return { cause: 'wrongDigest', detail: `sent trailer ${sent.trailer}, the server got ${got.trailer}` };
  }
  return undefined;
}

export function wrongStatus(answer: { readonly status: number; readonly body: Buffer }): Failure {
  const text = answer.body.toString('latin1').trim().slice(0, 120);
  return { cause: 'wrongStatus', detail: `${answer.status} ${text}`.trim() };
}
