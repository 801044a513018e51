import { Agent, type IncomingMessage, request } from 'node:http';
import { type ErrorCode, type ErrorDetail, messageOf, SlipwayError } from '../lib/errors.ts';
import type { RouterControl } from './control-client.ts';
import type { BackendLoad, RouterStats, RouteTable } from './table.ts';

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
  // A fresh connection per call: calls are rare, and a kept one could turn out to be a dead router's.
  private readonly agent = new Agent({ keepAlive: false });

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

  /** @param options.absent what a 404 means, where it means something */
  private async call<T>(
    method: string,
    path: string,
    options: { body?: string; extraMs?: number; absent?: T } = {},
  ): Promise<T> {
    const { status, body } = await this.exchange(
      method,
      path,
      options.body,
      this.deadlineMs + (options.extraMs ?? 0),
    );
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
    method: string,
    path: string,
    body: string | undefined,
    deadlineMs: number,
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void =>
        reject(new RouterUnavailable(this.path, messageOf(error), error));
      const signal = AbortSignal.timeout(deadlineMs);
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body ?? ''),
      };
      const outgoing = request({
        socketPath: this.path,
        agent: this.agent,
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
