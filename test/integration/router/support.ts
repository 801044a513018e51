/** A router in this process, instances that answer byte for byte as told, and clients that read bytes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../src/lib/log.ts';
import type { RouterLimits } from '../../../src/router/limits.ts';
import { type RouterHandle, startRouter } from '../../../src/router/router.ts';
import type { Backend, Route, RouterStats, RouteTable, VersionCounts } from '../../../src/router/table.ts';
import { eventually } from '../../support/eventually.ts';

export const SERVICE = 'ns/shop/prod';

export interface TestRouter {
  readonly handle: RouterHandle;
  readonly port: number;
  readonly directory: string;
  /** Puts a table of one route (or `routes`) in force, numbered after the last. */
  put(
    backends: readonly Backend[],
    versions: Readonly<Record<string, number>>,
    over?: Partial<Route>,
  ): Promise<RouteTable>;
  counts(version: string): Promise<VersionCounts>;
  stats(): Promise<RouterStats>;
  close(): Promise<void>;
}

export async function startTestRouter(limits: Partial<RouterLimits> = {}): Promise<TestRouter> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-router-'));
  const handle = await startRouter({
    listen: [{ host: '127.0.0.1', port: 0 }],
    controlPath: join(directory, 'control.sock'),
    tableFile: join(directory, 'table.json'),
    log: silentLog,
    limits,
  });
  let generation = 0;
  return {
    handle,
    directory,
    port: (handle.addresses[0] as AddressInfo).port,
    async put(backends, weights, over = {}) {
      const versions = Object.entries(weights).map(([version, weight]) => ({ version, weight }));
      const table = { generation: ++generation, routes: [route({ versions, ...over })], backends };
      await handle.control.putTable(table);
      return table;
    },
    async counts(version) {
      const { versions } = await handle.control.stats();
      const found = versions.find((v) => v.version === version);
      if (found === undefined) throw new Error(`nothing was counted for "${version}"`);
      return found;
    },
    stats: () => handle.control.stats(),
    async close() {
      await handle.stop(0);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export function route(over: Partial<Route> = {}): Route {
  const timeouts = { connectMs: 1_000, responseHeadMs: 10_000, idleMs: 10_000 };
  return {
    id: 'shop',
    service: SERVICE,
    host: null,
    path: '/',
    versions: [],
    rules: [],
    sticky: null,
    timeouts,
    ...over,
  };
}

export function backend(id: string, port: number, state: Backend['state'] = 'serving'): Backend {
  return { id, version: id.slice(0, id.lastIndexOf('-')), service: SERVICE, host: '127.0.0.1', port, state };
}

/** What must hold of every count at every moment. */
export function balance(counts: VersionCounts): { started: number; ended: number } {
  const failed = Object.values(counts.failed).reduce((a, b) => a + b, 0);
  return { started: counts.requests, ended: counts.completed + failed + counts.clientGone + counts.inFlight };
}

/** A connection whose bytes are kept and can be waited for. */
export class Wire {
  readonly socket: Socket;
  received = '';
  ended = false;
  closed = false;
  error: Error | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
    });
  }

  write(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Waits until what came contains `text`, and answers all that came. */
  async sees(text: string): Promise<string> {
    await eventually(`${JSON.stringify(text)} to arrive`, () => {
      if (this.received.includes(text)) return true;
      throw new Error(`got ${JSON.stringify(this.received.slice(-300))}${this.closed ? ' and the end' : ''}`);
    });
    return this.received;
  }

  async seesEnd(): Promise<string> {
    await eventually('the end of the connection', () => this.ended || this.closed);
    return this.received;
  }
}

export async function dial(port: number, options: { allowHalfOpen?: boolean } = {}): Promise<Wire> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, ...options });
  const wire = new Wire(socket);
  await eventually('a connection', () => !socket.connecting);
  return wire;
}

/** An instance that does what a test tells it, connection by connection. */
export class RawInstance {
  readonly wires: Wire[] = [];
  private readonly server: Server;

  constructor(onConnection: (wire: Wire, index: number) => void = () => undefined) {
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const wire = new Wire(socket);
      this.wires.push(wire);
      onConnection(wire, this.wires.length - 1);
    });
  }

  /** An instance that answers each request whose head ends its bytes with `answer`. */
  static answering(answer: string | ((request: string) => string)): RawInstance {
    return new RawInstance((wire) => {
      let seen = 0;
      wire.socket.on('data', () => {
        if (!wire.received.endsWith('\r\n\r\n') || wire.received.length === seen) return;
        const request = wire.received.slice(seen);
        seen = wire.received.length;
        wire.write(typeof answer === 'string' ? answer : answer(request));
      });
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get received(): string {
    return this.wires.map((wire) => wire.received).join('');
  }

  /** The connection with this number, once there is one. */
  async wire(index: number): Promise<Wire> {
    await eventually(`connection ${index}`, () => this.wires[index] !== undefined);
    return this.wires[index] as Wire;
  }

  /** Accepts nothing more; what is open stays. */
  stopListening(): void {
    this.server.close();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const wire of this.wires) wire.socket.destroy();
    await closed;
  }
}

/** Writes `piece` again and again until the socket takes nothing for a while or `limit` is reached; answers how many bytes it took. */
export async function fill(wire: Wire, piece: Buffer, limit: number): Promise<number> {
  let written = 0;
  let takenAt = performance.now();
  while (written < limit) {
    if (wire.socket.writableLength === 0) {
      wire.socket.write(piece);
      written += piece.length;
      takenAt = performance.now();
    } else if (performance.now() - takenAt > 500) {
      return written;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return written;
}

export function ok(body: string, fields = ''): string {
  return `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

export const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** Closes what a test opened, last first. */
export class Cleanup {
  private readonly steps: (() => unknown)[] = [];

  add<T extends { close(): unknown }>(thing: T): T {
    this.steps.push(() => thing.close());
    return thing;
  }

  wire(wire: Wire): Wire {
    this.steps.push(() => wire.socket.destroy());
    return wire;
  }

  async run(): Promise<void> {
    for (const step of this.steps.splice(0).reverse()) await step();
  }
}
