/**
 * Starts the load as a process of its own and talks to it. Every call has a deadline, and a load that died
 * fails every call with what it wrote last, so that a test never waits for a dead judge.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { eventually } from '../eventually.ts';
import type { ControlCommand, ControlMessage } from './control.ts';
import { type InFlight, KINDS, type Kind, type LoadReport, type Mark, type Snapshot } from './report.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const ANSWER_WITHIN_MS = 10_000;

export interface LoadOptions {
  /** `http://127.0.0.1:PORT`. */
  readonly target: string;
  /** Host header; the target's own by default. */
  readonly host?: string;
  /** Default 64, at least one for each kind. */
  readonly clients?: number;
  /** Requests a second in all, streams and slow requests not counted. Default 400. */
  readonly rate?: number;
  /** Default: all. */
  readonly kinds?: readonly Kind[];
  /** `keepAlive` and `close` ask for this path of any web server instead of the shop's own paths. */
  readonly path?: string;
  /** Default true: two clients of each short kind have a request in flight at nearly every moment. */
  readonly holdBack?: boolean;
  /** A request may take, and a stream be silent, this long. Default 30,000. */
  readonly timeoutMs?: number;
  /** Ends by itself after this. Default 600,000. */
  readonly maxDurationMs?: number;
  readonly seed?: number;
  /** Default `slipway-revision`. */
  readonly versionHeader?: string;
}

export class LoadProcess implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #kinds: readonly Kind[];
  readonly #waiting = new Map<
    number,
    { resolve: (result: unknown) => void; reject: (error: Error) => void }
  >();
  readonly #ready = Promise.withResolvers<void>();
  readonly #report = Promise.withResolvers<LoadReport>();
  readonly #exited = Promise.withResolvers<void>();
  #stderr = '';
  #nextId = 1;

  private constructor(options: LoadOptions) {
    this.#kinds = options.kinds ?? KINDS;
    this.#child = spawn(process.execPath, [MAIN, '--control', 'stdio', ...argumentsOf(options)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const promise of [this.#ready.promise, this.#report.promise]) promise.catch(() => undefined);
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(line));
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(-4_000);
    });
    // A load that has ended cannot be told anything; its end is reported by `close` below.
    this.#child.stdin.on('error', () => undefined);
    this.#child.on('error', (error) => this.#gone(`could not be started: ${error.message}`));
    this.#child.on('close', (code, signal) => this.#gone(`ended (${signal ?? code})`));
  }

  /** Resolves when the load is sending. */
  static async start(options: LoadOptions): Promise<LoadProcess> {
    const load = new LoadProcess(options);
    try {
      await within(ANSWER_WITHIN_MS, 'the load to start', load.#ready.promise);
      return load;
    } catch (error) {
      await load[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The books, when the load has ended for whatever reason; rejects when it died before it could write them. */
  get ended(): Promise<LoadReport> {
    return this.#report.promise;
  }

  /**
   * Waits until every kind runs: requests of the short kinds have finished, every stream has brought
   * messages, and each kind has something in flight. Whether anything failed is for the caller to judge.
   */
  async waitForSteady(timeoutMs = 15_000): Promise<Snapshot> {
    return eventually(
      'every kind of traffic to run',
      async () => {
        const snapshot = await this.snapshot();
        const missing = this.#kinds.filter((kind) => !runs(kind, snapshot));
        if (missing.length === 0) return snapshot;
        const seen = missing.map((kind) => `${kind} ${JSON.stringify(snapshot.byKind[kind])}`);
        const failures = snapshot.firstFailures.slice(0, 3).map((failure) => JSON.stringify(failure));
        throw new Error([...seen, ...failures].join('; '));
      },
      { timeoutMs, intervalMs: 25 },
    );
  }

  /** Notes what is in flight now under a name; it stands in the report's `marks`. */
  async mark(name: string): Promise<Mark> {
    return (await this.#ask({ cmd: 'mark', name })) as Mark;
  }

  /**
   * What was in flight by kind at a moment in the past (milliseconds since 1970), such as a flip's `atMs`.
   * A lower bound: requests that took less than 20 ms are not remembered.
   */
  async inFlightAt(atMs: number): Promise<InFlight> {
    return (await this.#ask({ cmd: 'inFlightAt', atMs })) as InFlight;
  }

  async snapshot(): Promise<Snapshot> {
    return (await this.#ask({ cmd: 'snapshot' })) as Snapshot;
  }

  /**
   * No new requests; those in flight finish, streams are closed politely. Resolves with the books, which
   * balance, when the process has ended. Rejects after `timeoutMs`, with the process killed.
   */
  async stop(timeoutMs = 45_000): Promise<LoadReport> {
    try {
      await this.#ask({ cmd: 'stop' });
      const report = await within(timeoutMs, 'the last requests to finish', this.#report.promise);
      await within(ANSWER_WITHIN_MS, 'the load to end', this.#exited.promise);
      return report;
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  /** Kills the process if it still runs. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.pid === undefined) return;
    this.#child.kill('SIGKILL');
    await this.#exited.promise;
  }

  #ask(command: ControlCommand): Promise<unknown> {
    const id = this.#nextId;
    this.#nextId += 1;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
      reject(new Error(`the load has ended; ${command.cmd} came too late. ${this.#stderr}`));
    } else {
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
    }
    return within(ANSWER_WITHIN_MS, `an answer to ${command.cmd}`, promise).finally(() =>
      this.#waiting.delete(id),
    );
  }

  #hear(line: string): void {
    const message = JSON.parse(line) as ControlMessage;
    switch (message.event) {
      case 'ready':
        this.#ready.resolve();
        return;
      case 'report':
        this.#report.resolve(message.report);
        return;
      case 'answer':
        this.#waiting.get(message.id)?.resolve(message.result);
        return;
      case 'refusal':
        this.#failWaiting(new Error(`the load refused a command: ${message.error}`));
    }
  }

  #gone(how: string): void {
    const error = new Error(`the load ${how}. ${this.#stderr}`.trim());
    this.#ready.reject(error);
    this.#report.reject(error);
    this.#failWaiting(error);
    this.#exited.resolve();
  }

  #failWaiting(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}

function runs(kind: Kind, snapshot: Snapshot): boolean {
  const { finished, inFlight, messages } = snapshot.byKind[kind];
  if (kind === 'sse' || kind === 'websocket') return inFlight > 0 && messages >= inFlight;
  return finished >= 2;
}

function argumentsOf(options: LoadOptions): string[] {
  const named = {
    target: options.target,
    host: options.host,
    clients: options.clients,
    rate: options.rate,
    kinds: options.kinds?.join(','),
    path: options.path,
    timeout: options.timeoutMs,
    'max-duration': options.maxDurationMs,
    seed: options.seed,
    'version-header': options.versionHeader,
  };
  const given = Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  return options.holdBack === false ? [...given, '--no-hold-back'] : given;
}

async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
