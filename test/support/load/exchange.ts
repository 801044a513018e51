/**
 * One HTTP/1.1 exchange over node:http, whose parser is strict and whose agent never sends a request again:
 * when a kept-alive connection breaks, the request on it fails, and that is what is reported.
 */
import { type Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { failureOf } from './causes.ts';
import type { Failure } from './report.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** What the Host header says. */
  readonly hostHeader: string;
  /** Header that names the version that answered. */
  readonly versionHeader: string;
}

export interface ExchangeOptions {
  readonly agent: Agent | false;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  /** Until the last byte of the answer, milliseconds. */
  readonly timeoutMs: number;
  /** Sends the body and ends the request. Absent: no body. */
  readonly send?: (request: ClientRequest) => void;
  /** As soon as the head of the answer is here. */
  readonly onHead?: (version: string | undefined) => void;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type Outcome =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; failure: Failure };

/** Never rejects: whatever goes wrong is an outcome with its cause. */
export function exchange(target: Target, options: ExchangeOptions): Promise<Outcome> {
  return new Promise((resolve) => {
    let answering = false;
    const settle = (outcome: Outcome) => {
      clearTimeout(timer);
      resolve(outcome);
      // An answer before the end of the upload leaves a connection that nobody can use again.
      if (!outcome.ok || !request.writableFinished) request.destroy();
    };
    const failed = (error: unknown) => settle({ ok: false, failure: failureOf(error, answering) });
    const request = httpRequest({
      host: target.host,
      port: target.port,
      agent: options.agent,
      method: options.method ?? 'GET',
      path: options.path,
      headers: { host: target.hostHeader, ...options.headers },
    });
    const timer = setTimeout(() => {
      const where = answering ? 'in the answer' : 'before the answer';
      settle({
        ok: false,
        failure: { cause: 'timeout', detail: `not complete after ${options.timeoutMs} ms, ${where}` },
      });
    }, options.timeoutMs);
    request.on('error', failed);
    request.on('response', (response) => {
      answering = true;
      options.onHead?.(headerOf(response, target.versionHeader));
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', failed);
      response.on('end', () => {
        // Without a length or chunks the end of the connection ends the body: a cut would look the same.
        if (!hasProvenEnd(response)) {
          failed(new Error('the answer has neither a length nor chunks'));
          return;
        }
        const { statusCode = 0, headers } = response;
        settle({ ok: true, answer: { status: statusCode, headers, body: Buffer.concat(chunks) } });
      });
    });
    if (options.send === undefined) request.end();
    else options.send(request);
  });
}

/** Whether the end of this body can be told from a connection that was cut (RFC 9112, section 6.3). */
export function hasProvenEnd(response: IncomingMessage): boolean {
  const { headers, statusCode } = response;
  if (statusCode === 204 || statusCode === 304) return true;
  return (
    headers['content-length'] !== undefined || /(^|,)\s*chunked\s*$/i.test(headers['transfer-encoding'] ?? '')
  );
}

export function headerOf(response: IncomingMessage, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
