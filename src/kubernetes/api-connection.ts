import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { SlipwayError } from '../lib/errors.ts';
import { answerBytes, parseAnswer, queryText } from '../lib/http-answer.ts';
import { errorOfAnswer, type KubernetesError, noAnswer } from './api-error.ts';
import type { Credentials, Identity } from './credentials.ts';

export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** In words, for errors: `list releases.slipway.dev`. */
  readonly what: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Of the body; default application/json. */
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  /** ms without an answer, or a byte of it, after which it is given up. */
  readonly timeoutMs?: number;
  /** The answer is a watch: its silence is somebody else's to judge. */
  readonly stream?: true;
}

const TIMEOUT_MS = 30_000;
/** Kept free of use for longer than this a connection is closed by us, before a balancer between drops it. */
const IDLE_MS = 60_000;

/**
 * HTTPS to one API server with the identity that is valid now. One attempt each: what may be repeated is decided
 * by who asks (api-client.ts). Rejects with a KubernetesError, or with the signal's reason.
 */
export class ApiConnection {
  readonly #credentials: Credentials;
  readonly #base: URL;
  readonly #userAgent: string;
  #agent: { readonly of: Identity; readonly agent: Agent } | undefined;

  constructor(credentials: Credentials, userAgent: string) {
    this.#credentials = credentials;
    this.#base = new URL(credentials.server);
    this.#userAgent = userAgent;
    // A token would be readable on the way.
    if (this.#base.protocol !== 'https:')
      throw new SlipwayError(
        'invalid',
        `${credentials.server} is no https address: it would be sent the credentials`,
      );
  }

  /** The head of an answer below 400. Asked once more with a new identity where this one is refused. */
  async open(exchange: Exchange): Promise<IncomingMessage> {
    const response = await this.#attempt(exchange);
    if (response.statusCode !== 401) return await this.#accepted(exchange, response);
    response.resume();
    this.#credentials.identity.refused();
    return await this.#accepted(exchange, await this.#attempt(exchange));
  }

  /** The parsed answer. */
  async json<T>(exchange: Exchange): Promise<T> {
    return await this.#read<T>(exchange, await this.open(exchange));
  }

  close(): void {
    this.#agent?.agent.destroy();
    this.#agent = undefined;
  }

  async #accepted(exchange: Exchange, response: IncomingMessage): Promise<IncomingMessage> {
    const status = response.statusCode ?? 0;
    if (status < 400) return response;
    const bytes = await answerBytes(response).catch(() => Buffer.alloc(0));
    let body: unknown;
    try {
      body = parseAnswer(bytes, '');
    } catch {
      // A proxy, or "404 page not found": no Status, and the number says enough.
      body = undefined;
    }
    throw errorOfAnswer(exchange.what, status, body, response.headers['retry-after']);
  }

  async #read<T>({ what }: Exchange, response: IncomingMessage): Promise<T> {
    try {
      return parseAnswer(await answerBytes(response), 'is this address an API server?') as T;
    } catch (cause) {
      if (cause instanceof SlipwayError && cause.code !== 'unavailable') throw cause;
      throw noAnswer(what, 'the answer broke off', cause);
    }
  }

  async #attempt(exchange: Exchange): Promise<IncomingMessage> {
    const identity = await this.#credentials.identity.current();
    const body = exchange.body === undefined ? undefined : Buffer.from(JSON.stringify(exchange.body));
    return await new Promise((resolve, reject) => {
      const sent = request({
        agent: this.#agentOf(identity),
        hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
        port: this.#base.port || 443,
        method: exchange.method,
        path: this.#base.pathname.replace(/\/$/, '') + exchange.path + queryText(exchange.query),
        ...(exchange.signal === undefined ? {} : { signal: exchange.signal }),
        headers: {
          accept: 'application/json',
          'user-agent': this.#userAgent,
          ...(identity.token === undefined ? {} : { authorization: `Bearer ${identity.token}` }),
          ...(body === undefined
            ? {}
            : { 'content-type': exchange.contentType ?? 'application/json', 'content-length': body.length }),
        },
      });
      const limit = exchange.timeoutMs ?? TIMEOUT_MS;
      sent.setTimeout(limit, () => sent.destroy(noAnswer(exchange.what, `no answer within ${limit} ms`)));
      sent.once('response', (response) => {
        if (exchange.stream === true) sent.setTimeout(0);
        resolve(response);
      });
      sent.once('error', (cause: NodeJS.ErrnoException) =>
        reject(exchange.signal?.aborted === true ? exchange.signal.reason : this.#broken(exchange, cause)),
      );
      sent.end(body);
    });
  }

  #broken({ what }: Exchange, cause: NodeJS.ErrnoException): KubernetesError | SlipwayError {
    if (cause instanceof SlipwayError) return cause;
    return noAnswer(what, `${this.#base.host} cannot be reached (${cause.code ?? cause.message})`, cause);
  }

  /** Certificates stand with the connections: another one needs connections of its own. */
  #agentOf(identity: Identity): Agent {
    const { ca, tlsServerName, insecure } = this.#credentials;
    const known = this.#agent;
    if (
      known?.of.certificate === identity.certificate &&
      known?.of.key === identity.key &&
      known !== undefined
    )
      return known.agent;
    const agent = new Agent({
      ...{ keepAlive: true, keepAliveMsecs: 15_000, timeout: IDLE_MS, scheduling: 'lifo' },
      ...(ca === undefined ? {} : { ca }),
      ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
      ...(insecure === true ? { rejectUnauthorized: false } : {}),
      ...(identity.certificate === undefined ? {} : { cert: identity.certificate, key: identity.key }),
    });
    this.#agent = { of: identity, agent };
    return agent;
  }
}
