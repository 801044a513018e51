import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { ClientConnection } from './client-connection.ts';
import { CompiledTable } from './compiled-table.ts';
import { Counters } from './counts.ts';
import { FieldLines } from './http/field-lines.ts';
import type { RefusalReason } from './http/refusal.ts';
import type { RouterLimits } from './limits.ts';
import type { Plane } from './plane.ts';
import type { RouterStats, RouteTable } from './table.ts';
import { Upstream } from './upstream.ts';

const TICK_MS = 100;
export const EMPTY_TABLE: RouteTable = {
  generation: 0,
  routes: [],
  backends: [],
};

export interface DataPlaneOptions {
  readonly limits: RouterLimits;
  readonly trustForwarded: boolean;
}

/**
 * The router in one process: its client connections, its instances' connections and the table between
 * them. Everything that decides about a request happens in one turn of the event loop, so a table swap
 * (also one turn) is atomic: a request has the old table or the new one.
 */
export class DataPlane implements Plane {
  table: CompiledTable;
  now = performance.now();
  stopping = false;
  readonly limits: RouterLimits;
  readonly trustForwarded: boolean;
  readonly proto = 'http';
  readonly public = new Counters();
  readonly preview = new Counters();
  readonly requestLines = new FieldLines();
  readonly responseLines = new FieldLines();
  readonly bootId = randomUUID();
  private readonly startedAt = new Date().toISOString();
  private readonly malformedCounts = new Map<RefusalReason, number>();
  private readonly upstreams = new Map<string, Upstream>();
  private readonly clients = new Set<ClientConnection>();
  private ticker: NodeJS.Timeout | null = null;
  private onEmpty: (() => void) | null = null;

  constructor(options: DataPlaneOptions) {
    this.limits = options.limits;
    this.trustForwarded = options.trustForwarded;
    this.table = new CompiledTable(EMPTY_TABLE, this.upstreams, this, null);
  }

  clock(): number {
    this.now = performance.now();
    return this.now;
  }

  malformed(reason: RefusalReason): void {
    this.malformedCounts.set(reason, (this.malformedCounts.get(reason) ?? 0) + 1);
  }

  /** A server whose connections this plane serves; the caller makes it listen. */
  createServer(): Server {
    const options = {
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
    };
    return createServer(options, (socket) => this.accept(socket));
  }

  /** Puts a checked table in force for every request that starts from now on. */
  swap(table: RouteTable): void {
    const named = new Map(table.backends.map((backend) => [backend.id, backend]));
    for (const [id, upstream] of this.upstreams) {
      upstream.update(named.get(id) ?? null);
      if (upstream.isOver) this.upstreams.delete(id);
    }
    for (const [id, backend] of named) {
      if (!this.upstreams.has(id)) this.upstreams.set(id, new Upstream(backend, this.limits));
    }
    this.table = new CompiledTable(table, this.upstreams, this, this.table);
  }

  upstream(id: string): Upstream | undefined {
    return this.upstreams.get(id);
  }

  stats(): RouterStats {
    return {
      bootId: this.bootId,
      startedAt: this.startedAt,
      generation: this.table.table.generation,
      malformed: Object.fromEntries(this.malformedCounts),
      versions: this.public.snapshot(),
      preview: this.preview.snapshot(),
    };
  }

  /** Lets what is inside finish for at most `capMs`, then ends it; idle connections end at once. */
  async stop(capMs: number): Promise<void> {
    this.stopping = true;
    for (const client of this.clients) if (client.isIdle) client.close();
    if (this.clients.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, capMs);
        this.onEmpty = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    for (const client of this.clients) client.destroy();
    for (const upstream of this.upstreams.values()) upstream.closeAll();
    if (this.ticker !== null) clearInterval(this.ticker);
    this.ticker = null;
  }

  private accept(socket: Socket): void {
    if (this.clients.size >= this.limits.maxConnections) {
      this.malformed('tooManyConnections');
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    this.ticker ??= setInterval(() => this.tick(), TICK_MS).unref();
    this.clients.add(
      new ClientConnection(this, socket, (client) => {
        this.clients.delete(client);
        if (this.clients.size === 0) this.onEmpty?.();
      }),
    );
  }

  private tick(): void {
    const now = this.clock();
    for (const client of this.clients) client.tick(now);
    let connections = 0;
    for (const [id, upstream] of this.upstreams) {
      upstream.tick(now);
      connections += upstream.connectionCount;
      if (upstream.isOver) this.upstreams.delete(id);
    }
    if (this.clients.size === 0 && connections === 0 && this.ticker !== null) {
      clearInterval(this.ticker);
      this.ticker = null;
    }
  }
}
