import type { FastifyReply, FastifyRequest } from 'fastify';
import { VERSION_HEADER } from '../execution/protocol.ts';
import { SlipwayError } from '../lib/errors.ts';
import { type KubernetesStatus, publicError, toStatus } from '../lib/status.ts';
import { authenticate, demand } from './access.ts';
import { reasonOf, send, statusOf } from './answer.ts';
import type { AuditLog } from './audit.ts';
import type { ServerDependencies } from './dependencies.ts';
import { notFoundStatus } from './not-found.ts';
import { RequestAudit } from './request-audit.ts';
import { readJson } from './request-body.ts';
import { paramsOf, pathOf, queryOf, type RequestState, verbOf } from './request-state.ts';
import type { Answer, Call, Route } from './route.ts';
import type { Identity, TokenStore } from './tokens.ts';

const ANONYMOUS: Identity = { name: 'anonymous', roles: [] };

/**
 * What every request goes through, in this order: version header, who is it, may they, body, handler, audit
 * line, answer. Errors of any of these end in `fail`, the one place that makes a Status of them.
 */
export class Dispatcher {
  readonly #deps: ServerDependencies;
  readonly #tokens: TokenStore;
  readonly #audit: RequestAudit;
  readonly #routes: readonly Route[];
  readonly #states = new WeakMap<FastifyRequest, RequestState>();
  readonly #open = new Set<RequestState>();
  readonly #requests;
  readonly #durations;

  constructor(deps: ServerDependencies, tokens: TokenStore, audit: AuditLog, routes: readonly Route[]) {
    this.#deps = deps;
    this.#tokens = tokens;
    this.#audit = new RequestAudit(deps, audit);
    this.#routes = routes;
    this.#requests = deps.metrics.counter(
      'slipway_http_requests_total',
      'Requests to the API, by verb, resource and status',
    );
    this.#durations = deps.metrics.histogram(
      'slipway_http_request_seconds',
      'Time from the head of a request to the end of its answer, streams excluded',
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
    await this.#audit.record(request, state, status, reasonOf(answer));
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
    if (state !== undefined) await this.#audit.record(request, state, status.code, status.reason ?? null);
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

/** 415 and the like have no code of ours; their number is kept. */
function withHttpCode(status: KubernetesStatus, error: unknown): KubernetesStatus {
  const { statusCode } = (error ?? {}) as { statusCode?: unknown };
  return statusCode === 415 ? { ...status, code: 415, reason: 'UnsupportedMediaType' } : status;
}
