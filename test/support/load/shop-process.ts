/** The example shop as a process, without anything of Slipway between: for tests of the load and of the shop. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { eventually } from '../eventually.ts';

export interface ShopOptions {
  readonly version?: 'v1' | 'v2' | 'v3';
  /** Switches of examples/shop/v1/mischief.js. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default 0: any free port. */
  readonly port?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class ShopProcess implements AsyncDisposable {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly exited: Promise<Exit>;
  #output = '';
  #port: number | undefined;

  /** Starts it without waiting for anything. */
  constructor(options: ShopOptions = {}) {
    const directory = new URL(`../../../examples/shop/${options.version ?? 'v1'}/`, import.meta.url);
    this.child = spawn(process.execPath, ['server.js'], {
      cwd: fileURLToPath(directory),
      env: { PORT: String(options.port ?? 0), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString('utf8')).slice(-100_000);
      const port = /listens on port (\d+)/.exec(this.#output)?.[1];
      if (port !== undefined) this.#port = Number(port);
    };
    this.child.stdout.on('data', keep);
    this.child.stderr.on('data', keep);
    this.exited = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => resolve({ code, signal }));
    });
  }

  /** Starts it and waits until it listens. */
  static async start(options: ShopOptions = {}): Promise<ShopProcess> {
    const shop = new ShopProcess(options);
    await eventually(`the shop to listen (${JSON.stringify(options)})`, () => shop.portOrUndefined);
    return shop;
  }

  /** Both streams, the last 100,000 characters. */
  get output(): string {
    return this.#output;
  }

  /** Undefined until it listens. */
  get portOrUndefined(): number | undefined {
    return this.#port;
  }

  get port(): number {
    const port = this.portOrUndefined;
    if (port === undefined) throw new Error(`the shop does not listen: ${this.#output.slice(-2_000)}`);
    return port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
