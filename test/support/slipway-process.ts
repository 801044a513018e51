import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const SLIPWAY = fileURLToPath(new URL('../../bin/slipway', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string;
  /**
   * Called with everything on both outputs so far, whenever there is more: to act on what was said. Only the
   * first signal is sent; a second one would meet a process that is ending already.
   */
  readonly onOutput?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Runs a program as a process of its own, without a terminal, and waits for its end. */
export function runProcess(argv: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const [command = '', ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
    });
    let stdout = '';
    let stderr = '';
    let killed = false;
    const kill = (signal: NodeJS.Signals): void => {
      if (!killed) child.kill(signal);
      killed = true;
    };
    const told = (): void => options.onOutput?.(stdout + stderr, kill);
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
      told();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk;
      told();
    });
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    // A program that ends without reading its input closes the pipe, which is no failure of the test.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** `slipway …` as people run it. */
export const slipway = (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  runProcess([SLIPWAY, ...args], options);
