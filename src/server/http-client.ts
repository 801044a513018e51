import type { Agent, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { SlipwayError } from '../lib/errors.ts';
import { answerBytes, MAX_ANSWER_BYTES, parseAnswer, queryText } from '../lib/http-answer.ts';
import { fromAnswer } from '../lib/status.ts';
import { askLocally } from './local-client.ts';

const NO_MANAGER = 'is this address a Slipway manager?';

/** Below api-client: one request over a kept connection, with the pinned authority and the token. */
export interface HttpClientOptions {
  /** `https://127.0.0.1:8443` */
  readonly server: string;
  /** PEM of Slipway's own authority: nothing else is trusted. */
  readonly ca?: string | undefined;
  /** Unix socket of the same manager, asked first: cheaper than TLS by most of what a short command takes. */
  readonly socket?: string | undefined;
  readonly token: string;
  /** Of the program that asks; the header `slipway-version`. */
  readonly version: string;
  readonly userAgent?: string;
  /** ms without a byte from the server before a request is given up; streams are exempt. */
  readonly timeoutMs?: number;
}

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
  readonly json?: unknown;
  /** Content type of `json`; absent: application/json. */
  readonly type?: string;
  readonly upload?: { readonly content: Readable; readonly size: number };
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  /** The answer is a stream: no time limit once it began. */
  readonly stream?: true;
}

export interface HttpClient {
  /** The answer's head; rejects with the SlipwayError of any status from 400 on. */
  open(exchange: Exchange): Promise<IncomingMessage>;
  /** The parsed answer. */
  json<T>(exchange: Exchange): Promise<{ readonly status: number; readonly body: T }>;
  close(): void;
}

export function httpClient(options: HttpClientOptions): HttpClient {
  const base = new URL(options.server);
  const secure = base.protocol === 'https:';
  if (!secure && base.protocol !== 'http:')
    throw new SlipwayError('badRequest', `${options.server} is no https address`);
  // A token must not travel in the clear; plain HTTP is for a proxy on this machine alone.
  if (!secure && !['localhost', '127.0.0.1', '[::1]'].includes(base.hostname)) {
    throw new SlipwayError(
      'badRequest',
      `${options.server} is not https: the token would be readable on the way`,
    );
  }
  let connections: Connections | undefined;

  const headersOf = (exchange: Exchange) => ({
    authorization: `Bearer ${options.token}`,
    accept: 'application/json',
    'user-agent': options.userAgent ?? `slipway/${options.version}`,
    'slipway-version': options.version,
    ...(exchange.json === undefined ? {} : { 'content-type': exchange.type ?? 'application/json' }),
  });
  const targetOf = (exchange: Exchange) =>
    base.pathname.replace(/\/$/, '') + exchange.path + queryText(exchange.query);
  const limitOf = (exchange: Exchange) => exchange.timeoutMs ?? options.timeoutMs ?? 30_000;

  const attempt = (exchange: Exchange): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const body = bodyOf(exchange);
      connections ??= connectionsOf(secure, options.ca);
      const request = connections.send({
        agent: connections.agent,
        hostname: base.hostname.replace(/^\[|\]$/g, ''),
        port: base.port || (secure ? 443 : 80),
        method: exchange.method,
        path: targetOf(exchange),
        ...(exchange.signal === undefined ? {} : { signal: exchange.signal }),
        headers: {
          ...headersOf(exchange),
          ...(body === undefined ? {} : { 'content-length': body.length }),
          ...(exchange.upload === undefined
            ? {}
            : { 'content-type': 'application/octet-stream', 'content-length': exchange.upload.size }),
        },
      });
      const limit = limitOf(exchange);
      request.setTimeout(limit, () =>
        request.destroy(
          new SlipwayError('timeout', `${base.host} did not answer within ${limit} ms`, {
            next: 'slipway status',
          }),
        ),
      );
      request.once('response', (response) => {
        if (exchange.stream === true) request.setTimeout(0);
        resolve(response);
      });
      request.once('error', (cause: NodeJS.ErrnoException) => {
        reject(
          exchange.signal?.aborted === true
            ? exchange.signal.reason
            : connectionError(cause, base, request.reusedSocket),
        );
      });
      if (exchange.upload === undefined) {
        request.end(body);
        return;
      }
      exchange.upload.content.once('error', (cause) => {
        reject(
          new SlipwayError('unavailable', `what is uploaded cannot be read: ${cause.message}`, { cause }),
        );
      });
      // An answer that comes before the upload ends (refused) breaks the pipe; the answer tells why.
      const { pipeline } = process.getBuiltinModule('node:stream');
      pipeline(exchange.upload.content, request, () => undefined);
    });

  const locally = async (exchange: Exchange) => {
    const { socket } = options;
    if (socket === undefined || exchange.upload !== undefined || exchange.signal !== undefined)
      return undefined;
    return await askLocally(socket, {
      method: exchange.method,
      path: targetOf(exchange),
      headers: headersOf(exchange),
      body: bodyOf(exchange),
      timeoutMs: limitOf(exchange),
      maxBytes: MAX_ANSWER_BYTES,
    });
  };

  const open = async (exchange: Exchange): Promise<IncomingMessage> => {
    let response: IncomingMessage;
    try {
      response = await attempt(exchange);
    } catch (error) {
      // A kept connection that the server had just closed: reading again cannot do anything twice.
      const again =
        error instanceof StaleConnection && (exchange.method === 'GET' || exchange.method === 'HEAD');
      if (!again) throw error;
      response = await attempt(exchange);
    }
    const status = response.statusCode ?? 0;
    if (status < 400) return response;
    // Read to its end even where nothing comes: an answer that is left lying keeps its connection, and the
    // process with it, until the server gives up.
    const answer = await answerBytes(response, 'slipway status');
    throw fromAnswer(status, exchange.method === 'HEAD' ? undefined : parseAnswer(answer, NO_MANAGER));
  };

  return {
    open,
    async json<T>(exchange: Exchange) {
      // Where nobody answers at the socket, the address is asked: the supervisor holds it, and callers wait there.
      const local = await locally(exchange);
      if (local !== undefined) {
        if (local.status >= 400) throw fromAnswer(local.status, parseAnswer(local.body, NO_MANAGER));
        return { status: local.status, body: parseAnswer(local.body, NO_MANAGER) as T };
      }
      const response = await open(exchange);
      return {
        status: response.statusCode ?? 0,
        body: parseAnswer(await answerBytes(response, 'slipway status'), NO_MANAGER) as T,
      };
    },
    close: () => connections?.agent.destroy(),
  };
}

interface Connections {
  readonly agent: Agent;
  readonly send: typeof import('node:http').request;
}

/**
 * Loaded when it is needed: most commands are answered at the socket. And not imported: node:http as a module
 * evaluates all that it exports, undici behind WebSocket too, which is half of a start-up.
 */
function connectionsOf(secure: boolean, ca: string | undefined): Connections {
  const { Agent, request } = process.getBuiltinModule(secure ? 'node:https' : 'node:http');
  const keep = { keepAlive: true, keepAliveMsecs: 15_000, maxSockets: 64 };
  return { agent: new Agent({ ...keep, ...(ca === undefined ? {} : { ca }) }), send: request };
}

const bodyOf = ({ json }: Exchange): Buffer | undefined =>
  json === undefined ? undefined : Buffer.from(JSON.stringify(json));

/** The connection was kept from an earlier request and broke before an answer. */
class StaleConnection extends SlipwayError {}

function connectionError(cause: NodeJS.ErrnoException, base: URL, reused: boolean): SlipwayError {
  if (cause instanceof SlipwayError) return cause;
  const { code } = cause;
  if (code === 'ECONNREFUSED' || code === 'ENOENT') {
    return new SlipwayError('unavailable', `no manager answers at ${base.host}`, {
      next: 'slipway up',
      cause,
    });
  }
  if (
    code?.startsWith('ERR_TLS') === true ||
    code?.includes('CERT') === true ||
    code?.includes('SIGNED') === true
  ) {
    return new SlipwayError('unavailable', `${base.host} does not prove that it is this Slipway (${code})`, {
      next: 'slipway up writes a new client.json; check the address',
      cause,
    });
  }
  const message = `the connection to ${base.host} broke (${code ?? cause.message})`;
  const stale = reused && (code === 'ECONNRESET' || code === 'EPIPE');
  return stale
    ? new StaleConnection('unavailable', message, { next: 'slipway status', cause })
    : new SlipwayError('unavailable', message, { next: 'slipway status', cause });
}
