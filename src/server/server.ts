import type { Server } from 'node:https';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import Fastify, { type FastifyRequest } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import { createMetrics, type Metrics } from '../lib/metrics.ts';
import { toStatus } from '../lib/status.ts';
import { authenticate, demand } from './access.ts';
import { agentUpgrade } from './agents.ts';
import type { AuditLog } from './audit.ts';
import { DEFAULT_LIMITS, type ServerDependencies, type ServerLimits } from './dependencies.ts';
import { Dispatcher } from './dispatch.ts';
import { listenLocally } from './local-listener.ts';
import type { Route } from './route.ts';
import { allRoutes } from './routes.ts';
import type { TokenStore } from './tokens.ts';

/**
 * The manager's API over TLS. One path for every request: version header → who is it → may they (access.ts,
 * before anything of the route runs) → body within its limits → handler → audit line → answer. Errors are
 * mapped in one place. Deny by default: a route without a declared verb cannot be registered.
 */
export interface ServerOptions extends Omit<ServerDependencies, 'limits' | 'metrics'> {
  readonly tls: { readonly cert: string; readonly key: string };
  readonly tokens: TokenStore;
  readonly audit: AuditLog;
  /** Port 0 takes a free one; `fd` is a socket that somebody else listens on. */
  readonly listen: { readonly host: string; readonly port: number } | { readonly fd: number };
  /** Also at this Unix socket, without TLS, for programs of the same user: its directory is theirs alone. */
  readonly socket?: string;
  readonly limits?: Partial<ServerLimits>;
  readonly metrics?: Metrics;
}

export interface RunningServer {
  /** `https://127.0.0.1:8443` */
  readonly url: string;
  readonly port: number;
  readonly routes: readonly Route[];
  /** Streams end cleanly, requests that run are finished. */
  stop(): Promise<void>;
  /** New connections get this certificate. */
  renew(tls: { readonly cert: string; readonly key: string }): void;
}

/** A request that is not done so long after the stop began is cut. */
const STOP_GRACE_MS = 5_000;
const STOP_SWEEP_MS = 20;

export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { tokens, audit, tls, listen, socket, ...given } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const deps: ServerDependencies = {
    ...given,
    limits,
    metrics: options.metrics ?? createMetrics(),
  };
  const routes = allRoutes(deps, tokens);
  const dispatcher = new Dispatcher(deps, tokens, audit, routes);
  const refuse = (error: NodeJS.ErrnoException, from: Socket) => refuseGarbage(error, from, deps.version);
  const app = Fastify({
    https: { ...tls, minVersion: 'TLSv1.2', handshakeTimeout: limits.headersMs },
    logger: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 300 },
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    clientErrorHandler: refuse,
    frameworkErrors: (error, request, reply) => void dispatcher.fail(error, request, reply),
  });
  const byRequest = (request: FastifyRequest) => (request.routeOptions.config as { route?: Route }).route;

  // Bodies are read by the dispatcher, after the caller was let in and with limits of its own.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.addHook('onRequest', async (request, reply) => dispatcher.enter(request, reply, byRequest(request)));
  app.setErrorHandler((error, request, reply) => dispatcher.fail(error, request, reply));
  app.setNotFoundHandler((request, reply) => dispatcher.notFound(request, reply));
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.url,
      config: { route },
      handler: (request, reply) => dispatcher.serve(request, reply, route),
    });
  }
  await app.ready();

  const server: Server = app.server;
  server.maxConnections = limits.connections;
  server.headersTimeout = limits.headersMs;
  const agents = agentUpgrade(deps, async (request) => {
    const identity = authenticate(request, tokens);
    demand(identity, { verb: 'connect', resource: 'agent/connect' });
    return identity;
  });
  server.on('upgrade', (request, socket, head) => void agents.onUpgrade(request, socket, head));
  const revoked = tokens.onRevoke((name) => {
    dispatcher.endOf(name);
    agents.revoke(name);
  });
  await listening(server, listen);
  const { address, port } = server.address() as AddressInfo;
  const servers = [
    server,
    ...(socket === undefined
      ? []
      : [
          await listenLocally({
            path: socket,
            limits,
            serve: (request, response) => app.routing(request, response),
            refuse,
          }),
        ]),
  ];
  deps.log.info('the API listens', { address, port, ...(socket === undefined ? {} : { socket }) });

  return {
    url: `https://${isIPv6(address) ? `[${address}]` : address}:${port}`,
    port,
    routes,
    async stop() {
      revoked[Symbol.dispose]();
      const closed = servers.map((one) => new Promise<void>((resolve) => one.close(() => resolve())));
      dispatcher.endStreams();
      agents.stop();
      const cut = deps.clock.setTimer(STOP_GRACE_MS, () => {
        for (const one of servers) one.closeAllConnections();
      });
      const idle = closeWhenIdle(servers, deps.clock);
      await Promise.all(closed);
      idle[Symbol.dispose]();
      cut[Symbol.dispose]();
      await app.close();
    },
    renew: (next) => server.setSecureContext(next),
  };
}

/** A connection whose last request ends after the stop began stays open otherwise, kept for a next one. */
function closeWhenIdle(servers: readonly Pick<Server, 'closeIdleConnections'>[], clock: Clock): Disposable {
  let timer: Disposable;
  const sweep = () => {
    for (const server of servers) server.closeIdleConnections();
    timer = clock.setTimer(STOP_SWEEP_MS, sweep);
  };
  sweep();
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

function listening(server: Server, listen: ServerOptions['listen']): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => {
      const where = 'fd' in listen ? `descriptor ${listen.fd}` : `${listen.host}:${listen.port}`;
      const message =
        cause.code === 'EADDRINUSE'
          ? `${where} is in use by another program`
          : `cannot listen on ${where}: ${cause.message}`;
      reject(new SlipwayError('unavailable', message, { cause }));
    };
    server.once('error', onError);
    server.listen(listen, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

/** What is no HTTP at all: one Status, and the connection ends. */
function refuseGarbage(error: NodeJS.ErrnoException, socket: Socket, version: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const message = tooLarge
    ? 'the head of the request is too large'
    : 'this is no HTTP request that is understood here';
  const body = `${JSON.stringify(toStatus(new SlipwayError(tooLarge ? 'tooLarge' : 'badRequest', message)))}\n`;
  socket.end(
    `HTTP/1.1 ${tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'}\r\nconnection: close\r\n` +
      `slipway-version: ${version}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
