import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ClusterDriver, TrafficRouter } from '../../../src/drivers/cluster-driver.ts';

const PROGRAM = fileURLToPath(new URL('./driver-process.ts', import.meta.url));

type Methods = Pick<ClusterDriver, 'setWorkload' | 'removeWorkload' | 'observe' | 'list'> &
  Pick<TrafficRouter, 'setTraffic' | 'load' | 'totals'>;

/** The driver of driver-process, which can be killed like any process. */
export class KillableDriver {
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #next = 1;
  readonly methods: Methods;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', ({ id, value, error }: { id: number; value?: unknown; error?: string }) => {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.resolve(value);
      else call?.reject(new Error(error));
    });
    child.once('exit', () => {
      for (const { reject } of this.#calls.values()) reject(new Error('the driver was killed'));
      this.#calls.clear();
    });
    this.methods = new Proxy({} as Methods, {
      get:
        (_target, method) =>
        (...args: readonly unknown[]) =>
          this.#call(String(method), args),
    });
  }

  static async start(directory: string, port: number, artifact: string): Promise<KillableDriver> {
    const child = fork(PROGRAM, [directory, String(port), artifact], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const driver = new KillableDriver(child);
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the driver did not start'))),
    ]);
    return driver;
  }

  /** kill -9, and gone when it resolves. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #call(method: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#calls.set(id, { resolve, reject });
      this.#child.send({ id, method, args }, (error) => {
        if (error !== null && this.#calls.delete(id)) reject(new Error('the driver is gone'));
      });
    });
  }
}
