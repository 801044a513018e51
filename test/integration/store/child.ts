import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const WRITER = fileURLToPath(new URL('./writer.ts', import.meta.url));

/** Acknowledged writes by writer, the last of each. */
export type Acknowledged = Map<string, { n: number; version: number }>;

/** A running writer, with what it has said so far, whole lines alone. */
export class WriterProcess {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #partial = '';
  #errors = '';

  constructor(command: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const [program = '', ...args] = command;
    this.#child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...env },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const whole = (this.#partial + text).split('\n');
      this.#partial = whole.pop() ?? '';
      this.lines.push(...whole);
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', () => resolve());
    });
  }

  get acknowledged(): Acknowledged {
    const found: Acknowledged = new Map();
    for (const line of this.lines) {
      const [word, writer = '', n, version] = line.split(' ');
      if (word === 'ack') found.set(writer, { n: Number(n), version: Number(version) });
    }
    return found;
  }

  count(word: string): number {
    return this.lines.filter((line) => line.startsWith(`${word} `)).length;
  }

  /** Waits until it holds; an error that shows what the process said when it does not within `ms`. */
  async until(what: string, holds: () => boolean, ms = 30_000): Promise<void> {
    const end = Date.now() + ms;
    while (!holds()) {
      if (Date.now() > end || this.#child.exitCode !== null) {
        throw new Error(`not so: ${what}\n${this.lines.slice(-5).join('\n')}\n${this.#errors}`);
      }
      await wait(2);
    }
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  ended(): Promise<void> {
    return this.#ended;
  }
}
