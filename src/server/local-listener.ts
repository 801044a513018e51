import { chmodSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { SlipwayError } from '../lib/errors.ts';
import type { ServerLimits } from './dependencies.ts';

// `import … from 'node:http'` evaluates every export of it, and one of those loads all of fetch: 17 MB.
const { createServer } = process.getBuiltinModule('node:http');

/**
 * The same API without TLS, at a Unix socket for programs of this machine that run as Slipway's own user: what
 * TLS gives elsewhere (who answers, nobody listens in), the rights of its directory (0700) and its own (0600)
 * give here. The caller still says who it is, by its token.
 */
export interface LocalListenerOptions {
  readonly path: string;
  readonly limits: ServerLimits;
  readonly serve: (request: IncomingMessage, response: ServerResponse) => void;
  /** What is no HTTP at all. */
  readonly refuse: (error: NodeJS.ErrnoException, socket: Socket) => void;
}

/** Listens when it resolves. A socket that is there already is one that a killed manager left: it goes. */
export async function listenLocally(options: LocalListenerOptions): Promise<Server> {
  const { path, limits, serve, refuse } = options;
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 1_000 }, serve);
  server.headersTimeout = limits.headersMs;
  server.maxConnections = limits.connections;
  server.on('clientError', (error, socket) => refuse(error, socket as Socket));
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new SlipwayError('unavailable', `cannot listen on ${path}: ${cause.message}`, { cause }));
    });
    server.listen({ path }, () => resolve());
  });
  chmodSync(path, 0o600);
  return server;
}
