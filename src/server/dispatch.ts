import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { VERSION_HEADER } from '../execution/protocol.ts';
import { instant } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import { redactText } from '../lib/redact.ts';
import { authenticate, demand } from './access.ts';
import { Allowance } from './allowance.ts';
import type { AuditLine, AuditLog } from './audit.ts';
import type { ServerDependencies } from './dependencies.ts';
import { notFoundStatus } from './not-found.ts';
import { readJson } from './request-body.ts';
import type { Answer, Call, Route } from './route.ts';
import { isTrue } from './selectors.ts';
import { type KubernetesStatus, publicError, toStatus } from './status.ts';
import type { Identity, TokenStore } from './tokens.ts';

const READING = ['get', 'list', 'watch'];
/** Audit lines of callers without a valid token. */
const STRANGERS_PER_MINUTE = 60;
const ANONYMOUS: Identity = { name: 'anonymous', roles: [] };

interface RequestState {
  readonly startedAt: number;
  readonly route: Route | undefined;
  readonly query: Readonly<Record<string, string>>;
  readonly ending: AbortController;
  readonly note: Call['note'];
  identity: Identity | undefined;
}

/**
 * What every request goes through, in this order: version header, who is it, may they, body, handler, audit
 * line, answer. Errors of any of these end in `fail`, the one place that makes a Status of them.
 */
export class Dispatcher {
  readonly #deps: ServerDependencies;
  readonly #tokens: TokenStore;
  readonly #audit: AuditLog;
  readonly #routes: readonly Route[];
  readonly #states = new WeakMap<FastifyRequest, RequestState>();
  readonly #open = new Set<RequestState>();
  readonly #requests;
  readonly #durations;
  readonly #auditFailures;
  readonly #auditSuppressed;
  /** Whoever has no token must not push out of the log what the others did. */
  readonly #strangers = new Allowance(STRANGERS_PER_MINUTE, 60_000);

  constructor(deps: ServerDependencies, tokens: TokenStore, audit: AuditLog, routes: readonly Route[]) {
    this.#deps = deps;
    this.#tokens = tokens;
    this.#audit = audit;
    this.#routes = routes;
    this.#requests = deps.metrics.counter(
      'slipway_http_requests_total',
      'Requests to the API, by verb, resource and status',
    );
    this.#durations = deps.metrics.histogram(
      'slipway_http_request_seconds',
      'Time from the head of a request to the end of its answer, streams excluded',
    );
    this.#auditFailures = deps.metrics.counter(
      'slipway_audit_failures_total',
      'Audit lines that could not be written',
    );
    this.#auditSuppressed = deps.metrics.counter(
      'slipway_audit_suppressed_total',
      'Refusals of unknown callers that were counted and not written, beyond so many a minute',
    );
  }

  /** Before anything of the route runs: who is it, and may they. */
  enter(request: FastifyRequest, reply: FastifyReply, route: Route | undefined): void {
    const { clock, version } = this.#deps;
    reply.headers({
      [VERSION_HEADER]: version,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    const state: RequestState = {
      startedAt: clock.monotonic(),
      route,
      query: queryOf(request.raw),
      ending: new AbortController(),
      note: {},
      identity: undefined,
    };
    this.#states.set(request, state);
    this.#open.add(state);
    reply.raw.once('close', () => {
      this.#open.delete(state);
      state.ending.abort(new SlipwayError('unavailable', 'the caller is gone'));
      this.#count(state, reply.raw.statusCode);
    });
    if (route?.anonymous === true) {
      state.identity = ANONYMOUS;
      return;
    }
    state.identity = authenticate(request.raw, this.#tokens);
    if (route === undefined) {
      if (request.is404) return;
      throw new SlipwayError('forbidden', 'this endpoint does not say what it does, so nobody may use it');
    }
    const params = paramsOf(request);
    demand(state.identity, {
      verb: verbOf(state),
      resource: route.resource,
      namespace: params.namespace,
      name: params.name,
    });
  }

  async serve(request: FastifyRequest, reply: FastifyReply, route: Route): Promise<FastifyReply> {
    const state = this.#stateOf(request);
    const { deps, identity } = { deps: this.#deps, identity: state.identity };
    if (identity === undefined) throw new SlipwayError('unauthorized', 'nobody was let in');
    const json = route.body !== undefined && route.body !== 'bytes';
    const body = json ? await readJson(request.raw, route.body, deps.limits, deps.clock) : undefined;
    const params = paramsOf(request);
    const call: Call = {
      identity,
      params,
      query: state.query,
      namespace: params.namespace,
      name: params.name,
      body,
      raw: request.raw,
      signal: state.ending.signal,
      note: state.note,
      demand: (action) => demand(identity, action),
      takeOver: (status, more) => {
        reply.hijack();
        const headers = reply.getHeaders() as Record<string, string>;
        reply.raw.writeHead(status, { ...headers, ...more });
        // A quiet stream would else hold back its own head until the first line.
        reply.raw.flushHeaders();
        return reply.raw;
      },
    };
    const answer = await (route.stream === true ? route.handle(call) : this.#bounded(route, call, state));
    if (answer === 'sent') return reply;
    const status = statusOf(answer);
    await this.#record(request, state, status, reasonOf(answer));
    return send(reply, status, answer);
  }

  /** Every error of every request ends here. */
  async fail(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const known = publicError(error);
    if (known.code === 'internal') {
      this.#deps.log.error('a request failed', { method: request.method, path: pathOf(request.raw), error });
    }
    const { route } = this.#states.get(request) ?? {};
    const params = paramsOf(request);
    const about = {
      ...(route?.kind ? { kind: route.resource.split('/')[0] ?? '' } : {}),
      ...(params.name ? { name: params.name } : {}),
    };
    const status = withHttpCode(toStatus(known, about), error);
    return this.#refuse(request, reply, status);
  }

  async notFound(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    return this.#refuse(request, reply, notFoundStatus(request.method, pathOf(request.raw), this.#routes));
  }

  /** Ends what a token has open: it was revoked. */
  endOf(name: string): void {
    for (const state of this.#open) {
      if (state.identity?.name === name)
        state.ending.abort(new SlipwayError('unauthorized', 'the token was revoked'));
    }
  }

  /** Ends the streams, so that clients resume elsewhere; other requests are finished. */
  endStreams(): void {
    for (const state of this.#open) {
      if (state.route?.stream === true && state.route.body !== 'bytes') {
        state.ending.abort(new SlipwayError('unavailable', 'the manager stops'));
      }
    }
  }

  async #refuse(
    request: FastifyRequest,
    reply: FastifyReply,
    status: KubernetesStatus,
  ): Promise<FastifyReply> {
    const state = this.#states.get(request);
    if (state !== undefined) await this.#record(request, state, status.code, status.reason ?? null);
    // What is left of a body that nobody reads must not be taken for the next request.
    if (!request.raw.complete) reply.header('connection', 'close');
    if (status.code === 401) reply.header('www-authenticate', 'Bearer realm="slipway"');
    if (request.method === 'HEAD') return reply.code(status.code).send();
    return reply
      .code(status.code)
      .type('application/json')
      .send(`${JSON.stringify(status)}\n`);
  }

  async #bounded(route: Route, call: Call, state: RequestState): Promise<Answer> {
    const { clock, limits } = this.#deps;
    let timer: Disposable | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = clock.setTimer(limits.requestMs, () => {
        const error = new SlipwayError(
          'timeout',
          `no answer within ${limits.requestMs} ms; it may still take effect`,
          { next: 'read the object to see' },
        );
        state.ending.abort(error);
        reject(error);
      });
    });
    try {
      return await Promise.race([route.handle(call), late]);
    } finally {
      timer?.[Symbol.dispose]();
    }
  }

  /** One line for each verb that is no reading, and for each that was forbidden. On disk before the answer leaves. */
  async #record(
    request: FastifyRequest,
    state: RequestState,
    code: number,
    reason: string | null,
  ): Promise<void> {
    const { route, identity, note } = state;
    const verb = route === undefined ? request.method.toLowerCase() : (note.verb ?? verbOf(state));
    if ((READING.includes(verb) || verb === 'head' || route?.anonymous === true) && code !== 403) return;
    if (identity === undefined && !this.#strangers.admit(this.#deps.clock.monotonic())) {
      this.#auditSuppressed.add();
      return;
    }
    const params = paramsOf(request);
    const line: AuditLine = {
      at: instant(this.#deps.clock.now()),
      who: identity?.name ?? null,
      roles: identity?.roles ?? [],
      verb,
      resource: route?.resource ?? 'none',
      kind: route?.kind ?? null,
      namespace: note.namespace ?? params.namespace ?? null,
      name: note.name ?? params.name ?? params.digest ?? null,
      outcome: code >= 500 ? 'failed' : code >= 400 ? 'refused' : code === 202 ? 'accepted' : 'done',
      code,
      reason,
      why: note.why === undefined ? null : redactText(note.why),
      from: request.raw.socket.remoteAddress ?? null,
      userAgent: redactText((request.headers['user-agent'] ?? '').slice(0, 200)) || null,
    };
    try {
      await this.#audit.write(line);
    } catch (error) {
      // What was asked has happened already; refusing the answer would only hide that.
      this.#auditFailures.add();
      this.#deps.log.error('an audit line could not be written', {
        verb,
        resource: line.resource,
        who: line.who,
        error,
      });
    }
  }

  #count(state: RequestState, code: number): void {
    const { route } = state;
    const labels = {
      verb: route === undefined ? 'none' : verbOf(state),
      resource: route?.resource ?? 'none',
    };
    this.#requests.add(1, { ...labels, code: String(code) });
    if (route?.stream !== true)
      this.#durations.observe((this.#deps.clock.monotonic() - state.startedAt) / 1_000, labels);
  }

  #stateOf(request: FastifyRequest): RequestState {
    const state = this.#states.get(request);
    if (state === undefined) throw new TypeError('a request was served that was never let in');
    return state;
  }
}

const verbOf = ({ route, query }: RequestState): string =>
  route?.watchable === true && isTrue(query.watch) ? 'watch' : (route?.verb ?? 'none');

const pathOf = (raw: IncomingMessage): string => (raw.url ?? '').split('?')[0] ?? '';
const paramsOf = (request: FastifyRequest) => (request.params ?? {}) as Readonly<Record<string, string>>;

/** The first value of each name. */
function queryOf(raw: IncomingMessage): Readonly<Record<string, string>> {
  const query: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URLSearchParams((raw.url ?? '').split('?')[1] ?? '')) query[name] ??= value;
  return query;
}

const statusOf = (answer: Exclude<Answer, 'sent'>): number =>
  'status' in answer ? (answer.status ?? 200) : 200;

const reasonOf = (answer: Exclude<Answer, 'sent'>): string | null =>
  'json' in answer && statusOf(answer) >= 400
    ? ((answer.json as Partial<KubernetesStatus>).reason ?? null)
    : null;

/** 415 and the like have no code of ours; their number is kept. */
function withHttpCode(status: KubernetesStatus, error: unknown): KubernetesStatus {
  const { statusCode } = (error ?? {}) as { statusCode?: unknown };
  return statusCode === 415 ? { ...status, code: 415, reason: 'UnsupportedMediaType' } : status;
}

function send(reply: FastifyReply, status: number, answer: Exclude<Answer, 'sent'>): FastifyReply {
  reply.code(status);
  if ('headers' in answer && answer.headers !== undefined) reply.headers(answer.headers);
  if ('json' in answer) return reply.type('application/json').send(`${JSON.stringify(answer.json)}\n`);
  if ('text' in answer) return reply.type(answer.type).send(answer.text);
  if ('empty' in answer) return reply.send();
  if (answer.size !== undefined) reply.header('content-length', String(answer.size));
  if (answer.fileName !== undefined)
    reply.header('content-disposition', `attachment; filename="${answer.fileName}"`);
  return reply.type(answer.type).send(answer.bytes);
}
