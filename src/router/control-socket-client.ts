import type { IncomingMessage } from 'node:http';
import { type ErrorCode, type ErrorDetail, messageOf, SlipwayError } from '../lib/errors.ts';
import type { RouterControl } from './control-client.ts';
import type { BackendLoad, RouterStats, RouteTable } from './table.ts';

// Importing node:http as a module evaluates all that it exports, undici behind WebSocket too.
const { Agent, request } = process.getBuiltinModule('node:http');

/** The router cannot be reached, or did not answer in time. Every call may be made again. */
export class RouterUnavailable extends SlipwayError {
  override readonly name = 'RouterUnavailable';

  constructor(path: string, reason: string, cause?: unknown) {
    super('unavailable', `the router at ${path} cannot be reached: ${reason}`, {
      next: 'slipway status says whether the router runs; the supervisor starts it again',
      cause,
    });
  }
}

class KeptConnectionBroke extends RouterUnavailable {}

interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly next?: string;
  readonly details?: readonly ErrorDetail[];
}

/** RouterControl over the router's control socket. */
export class ControlSocketClient implements RouterControl {
  private readonly path: string;
  private readonly deadlineMs: number;
  /** A release makes a hundred calls: kept connections are half of what they cost, here and in the router. */
  private readonly agent = new Agent({ keepAlive: true, maxFreeSockets: 4, scheduling: 'lifo' });

  /** @param options.deadlineMs for one call, on top of what the call itself waits for. Default 5,000. */
  constructor(path: string, options: { deadlineMs?: number } = {}) {
    this.path = path;
    this.deadlineMs = options.deadlineMs ?? 5_000;
  }

  putTable(table: RouteTable): Promise<{ generation: number; swappedAt: string }> {
    return this.call('PUT', '/v1/table', { body: JSON.stringify(table) });
  }

  getTable(): Promise<RouteTable> {
    return this.call('GET', '/v1/table');
  }

  stats(): Promise<RouterStats> {
    return this.call('GET', '/v1/stats');
  }

  async load(backendId: string): Promise<BackendLoad | undefined> {
    return (
      (await this.call<BackendLoad | null>('GET', `${backendPath(backendId)}/load`, { absent: null })) ??
      undefined
    );
  }

  awaitDrained(backendId: string, options: { streams: boolean; timeoutMs: number }): Promise<BackendLoad> {
    const query = `streams=${options.streams}&timeoutMs=${options.timeoutMs}`;
    return this.call('POST', `${backendPath(backendId)}/await-drained?${query}`, {
      extraMs: options.timeoutMs,
    });
  }

  closeIdle(backendId: string): Promise<{ closed: number }> {
    return this.call('POST', `${backendPath(backendId)}/close-idle`);
  }

  ended(backendId: string): Promise<BackendLoad> {
    return this.call('POST', `${backendPath(backendId)}/ended`);
  }

  /** @param options.absent what a 404 means, where it means something */
  private async call<T>(
    method: string,
    path: string,
    options: { body?: string; extraMs?: number; absent?: T } = {},
  ): Promise<T> {
    const deadlineMs = this.deadlineMs + (options.extraMs ?? 0);
    const exchange = (agent: typeof this.agent | false) =>
      this.exchange(agent, method, path, options.body, deadlineMs);
    // A kept connection may turn out to be a dead router's; the router of now gets the call on a new one.
    const { status, body } = await exchange(this.agent).catch((error: unknown) => {
      if (!(error instanceof KeptConnectionBroke)) throw error;
      return exchange(false);
    });
    if (status === 404 && options.absent !== undefined) return options.absent;
    const value = this.parse(body);
    if (status === 200) return value as T;
    const { code, message, next, details } = value as Failure;
    throw new SlipwayError(code, message, {
      next,
      ...(details ? { details } : {}),
    });
  }

  private parse(body: string): unknown {
    try {
      return JSON.parse(body);
    } catch (error) {
      throw new RouterUnavailable(this.path, 'its answer is not JSON', error);
    }
  }

  private exchange(
    agent: typeof this.agent | false,
    method: string,
    path: string,
    body: string | undefined,
    deadlineMs: number,
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        const { code } = error as NodeJS.ErrnoException;
        const broke = outgoing.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE');
        const Reason = broke ? KeptConnectionBroke : RouterUnavailable;
        reject(new Reason(this.path, messageOf(error), error));
      };
      const signal = AbortSignal.timeout(deadlineMs);
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body ?? ''),
      };
      const outgoing = request({
        socketPath: this.path,
        agent,
        method,
        path,
        headers,
        signal,
      });
      outgoing.on('error', fail);
      outgoing.on('response', (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      });
      outgoing.end(body);
    });
  }
}

const backendPath = (id: string): string => `/v1/backends/${encodeURIComponent(id)}`;
