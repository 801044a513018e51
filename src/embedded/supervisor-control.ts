import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../lib/errors.ts';
import type { RoleState } from './supervised-process.ts';
import type { Urls } from './supervisor-record.ts';

export interface SupervisorStatus {
  readonly pid: number;
  readonly version: string;
  /** RFC 3339. */
  readonly since: string;
  readonly data: string;
  readonly urls: Urls;
  readonly roles: readonly RoleState[];
  readonly stopping: boolean;
  readonly warnings: readonly string[];
}

/** One JSON line a question, one or more a reply: `status` once, `watch` with each change, `stop` until done. */
export type ControlVerb = 'status' | 'watch' | 'stop';
export type ControlLine =
  | { readonly type: 'status'; readonly status: SupervisorStatus }
  | { readonly type: 'progress'; readonly message: string }
  | { readonly type: 'stopped' }
  | { readonly type: 'error'; readonly message: string };

/** Someone who stopped reading does not hold the end up for longer. */
const LAST_WORDS_MS = 500;
const MAX_QUESTION = 100;

export interface ControlHandlers {
  status(): SupervisorStatus;
  /** Ends everything; `progress` is told each step. */
  stop(progress: (message: string) => void): Promise<void>;
}

/** The supervisor's socket, which only Slipway's own user can open (its directory is 0700). */
export class SupervisorControl {
  readonly #server: Server;
  readonly #handlers: ControlHandlers;
  readonly #watching = new Set<Socket>();
  readonly #open = new Set<Socket>();

  constructor(handlers: ControlHandlers) {
    this.#handlers = handlers;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Whoever holds the supervisor's lock may replace the socket of a predecessor. */
  async listen(path: string): Promise<void> {
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, () => resolve());
    });
  }

  /** Tells everyone who watches that something changed. */
  changed(): void {
    for (const socket of this.#watching) this.#sendStatus(socket);
  }

  /** Lets everyone have the last line, as far as they read it. */
  async close(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const closed = [...this.#open].map(
      (socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
    );
    this.#server.close();
    for (const socket of this.#open) socket.end();
    const cut = setTimeout(() => {
      for (const socket of this.#open) socket.destroy();
    }, LAST_WORDS_MS);
    await Promise.all(closed);
    clearTimeout(cut);
  }

  #serve(socket: Socket): void {
    this.#open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#open.delete(socket);
      this.#watching.delete(socket);
    });
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      if (text.length > MAX_QUESTION) socket.destroy();
      for (const line of lines) {
        this.#answer(socket, line).catch((error: unknown) => {
          send(socket, { type: 'error', message: messageOf(error) });
        });
      }
    });
  }

  async #answer(socket: Socket, line: string): Promise<void> {
    switch (line.trim() as ControlVerb) {
      case 'status':
        this.#sendStatus(socket);
        return;
      case 'watch':
        this.#watching.add(socket);
        this.#sendStatus(socket);
        return;
      case 'stop':
        await this.#handlers.stop((message) => send(socket, { type: 'progress', message }));
        send(socket, { type: 'stopped' });
        return;
      default:
        send(socket, { type: 'error', message: 'status, watch or stop' });
    }
  }

  #sendStatus(socket: Socket): void {
    send(socket, { type: 'status', status: this.#handlers.status() });
  }
}

const send = (socket: Socket, line: ControlLine): void => {
  if (socket.writable) socket.write(`${JSON.stringify(line)}\n`);
};
