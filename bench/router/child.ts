import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/** A process that the benchmark started, and ends. */
export class Child {
  readonly process: ChildProcess;
  private readonly exited: Promise<void>;
  private output = '';
  private errors = '';

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.process = spawn(command, [...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stdout?.on('data', (data) => {
      this.output += data;
    });
    this.process.stderr?.on('data', (data) => {
      this.errors = (this.errors + data).slice(-4_000);
    });
    this.exited = new Promise((resolve) => {
      this.process.on('error', (error) => {
        this.errors += error.message;
        resolve();
      });
      this.process.on('close', () => resolve());
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** The first line that it printed; rejects with what it complained about when it ends without one. */
  async line(): Promise<string> {
    while (!this.output.includes('\n')) {
      if (!this.isRunning) throw new Error(`${this.process.spawnargs.join(' ')} ended: ${this.errors}`);
      await Promise.race([this.exited, new Promise((resolve) => this.process.stdout?.once('data', resolve))]);
    }
    return this.output.slice(0, this.output.indexOf('\n'));
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.isRunning) this.process.kill(signal);
    await this.exited;
  }
}
