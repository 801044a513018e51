import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Credentials, fixedIdentity } from '../../../src/kubernetes/credentials.ts';
import { ensureCertificates } from '../../../src/server/certificates.ts';
import { MemoryFiles } from '../../support/memory-files.ts';
import { clock, random } from './cluster.ts';

/** What becomes of one request. */
export type Fault =
  /** The API server never sees it; this is the answer. */
  | { readonly answer: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  /** The connection breaks before the API server sees it, or after it has carried it out. */
  | { readonly reset: 'before' | 'after' }
  /** It is carried out, and no answer comes. */
  | { readonly swallow: true }
  /** The answer begins, and then not a byte more comes. */
  | { readonly silence: true }
  /** The answer of a watch breaks off behind so many lines. */
  | { readonly cutAfterLines: number };

/** The real API server with faults before it: everything that no fault is for reaches it, by the admin's own identity. */
export class FaultProxy {
  readonly requests: string[] = [];
  /** Asked for each request, in order; undefined: none. */
  fault: (call: string) => Fault | undefined = () => undefined;
  readonly #target: Credentials;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #held: PromiseWithResolvers<void> | undefined;
  #credentials: Credentials | undefined;

  constructor(target: Credentials) {
    this.#target = target;
  }

  get credentials(): Credentials {
    if (this.#credentials === undefined) throw new Error('the proxy is not started');
    return this.#credentials;
  }

  async start(): Promise<this> {
    const { ca, cert, key } = await ensureCertificates({
      ...{ directory: '/keys', names: [], files: new MemoryFiles(), clock, random },
    });
    const server = createServer({ cert, key }, (from, to) => void this.#pass(from, to));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.#credentials = {
      ...{ server: `https://127.0.0.1:${port}`, ca, namespace: 'default', identity: fixedIdentity({}) },
    };
    return this;
  }

  /** Every connection there is ends without a word. */
  async breakConnections(): Promise<void> {
    await Promise.all(
      [...this.#sockets].map((socket) => {
        const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
        socket.destroy();
        return closed;
      }),
    );
  }

  /** Requests wait from now on, until they are let through. */
  hold(): void {
    this.#held ??= Promise.withResolvers<void>();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #pass(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const call = `${from.method} ${from.url}`;
    this.requests.push(call);
    await this.#held?.promise;
    const fault = this.fault(call);
    if (fault !== undefined && 'answer' in fault) {
      from.resume();
      to.writeHead(fault.answer, { 'content-type': 'application/json', ...fault.headers });
      to.end(fault.body === undefined ? '' : JSON.stringify(fault.body));
      return;
    }
    if (fault !== undefined && 'reset' in fault && fault.reset === 'before') {
      from.socket.destroy();
      return;
    }
    const { server, ca, identity } = this.#target;
    const { certificate, key, token } = await identity.current();
    const { hostname, port } = new URL(server);
    const { host: _host, ...headers } = from.headers;
    const upstream = request({
      ...{ hostname, port, ca, cert: certificate, key, method: from.method, path: from.url },
      headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    });
    upstream.once('error', () => from.socket.destroy());
    to.once('close', () => upstream.destroy());
    from.pipe(upstream);
    upstream.once('response', (answer) => {
      if (fault !== undefined && 'swallow' in fault) {
        answer.resume();
        return;
      }
      if (fault !== undefined && 'reset' in fault) {
        answer.resume().once('end', () => from.socket.destroy());
        return;
      }
      to.writeHead(answer.statusCode ?? 500, answer.headers);
      to.flushHeaders();
      if (fault !== undefined && 'silence' in fault) answer.resume();
      else if (fault !== undefined && 'cutAfterLines' in fault) cut(answer, to, fault.cutAfterLines);
      else answer.pipe(to);
    });
  }
}

function cut(answer: IncomingMessage, to: ServerResponse, lines: number): void {
  let left = lines;
  answer.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split(/(?<=\n)/)) {
      if (left <= 0) {
        // In the middle of a line.
        to.write(line.slice(0, 20));
        setImmediate(() => to.destroy());
        return;
      }
      to.write(line);
      if (line.endsWith('\n')) left -= 1;
    }
  });
}
