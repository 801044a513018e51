/** A whole Slipway in a temporary directory, as real processes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DataDirectory, dataDirectory } from '../../../src/embedded/data-directory.ts';
import { type Role, readRecord, runs } from '../../../src/embedded/process-record.ts';
import { ask, supervisorStatus } from '../../../src/embedded/supervisor-client.ts';
import type { SupervisorStatus } from '../../../src/embedded/supervisor-control.ts';
import { readSupervisor } from '../../../src/embedded/supervisor-record.ts';
import { type UpOptions, type UpResult, up } from '../../../src/embedded/up.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { systemProcessTable } from '../../../src/lib/process-table.ts';
import { eventually } from '../../support/eventually.ts';

// Each test has a data directory of its own; what was compiled for one serves the next.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
  new URL('../../../node_modules/.cache/slipway/tests-compiled', import.meta.url),
);

const ANY = { host: '127.0.0.1', port: 0 } as const;

export class TestSlipway implements AsyncDisposable {
  readonly data: DataDirectory;
  readonly #directory: string;

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'slipway-test-'));
    this.data = dataDirectory(join(this.#directory, 'data'));
  }

  up(options: Partial<UpOptions> = {}): Promise<UpResult> {
    return up({
      data: this.data.root,
      entry: [ANY],
      api: ANY,
      // Temporary directories of test runs are often closed to other users, and nothing here runs applications.
      appUser: 'self',
      version: '0.1.0',
      clock: systemClock(),
      ...options,
    });
  }

  /** With the ports of the last time. */
  upAgain(): Promise<UpResult> {
    const { data, clock } = { data: this.data.root, clock: systemClock() };
    return up({ data, clock, appUser: 'self', version: '0.1.0' });
  }

  async down(): Promise<string[]> {
    const said: string[] = [];
    for await (const line of ask(this.data, 'stop'))
      said.push(line.type === 'progress' ? line.message : line.type);
    return said;
  }

  async status(): Promise<SupervisorStatus> {
    return eventually('the supervisor to answer', () => supervisorStatus(this.data));
  }

  /** When every role is ready under a supervisor that runs. */
  async ready(timeoutMs = 45_000): Promise<SupervisorStatus> {
    return eventually(
      'router, manager and agent to be ready',
      async () => {
        const status = await supervisorStatus(this.data);
        if (status?.roles.every((role) => role.state === 'ready')) return status;
        throw new Error(JSON.stringify(status?.roles.map((role) => [role.role, role.state, role.message])));
      },
      { timeoutMs },
    );
  }

  pid(role: Role | 'supervisor'): number {
    const record = role === 'supervisor' ? readSupervisor(this.data) : readRecord(this.data, role);
    if (record === undefined) throw new Error(`there is no record of the ${role}`);
    return record.pid;
  }

  /** All at once: none of them has a moment in which it could see another's end. */
  kill(...roles: readonly (Role | 'supervisor')[]): void {
    const pids = roles.map((role) => this.pid(role));
    if (pids.length > 1) for (const pid of pids) process.kill(pid, 'SIGSTOP');
    for (const pid of pids) process.kill(pid, 'SIGKILL');
  }

  /** A process of this role that is not `before`, and lives. */
  async successor(role: Role | 'supervisor', before: number): Promise<number> {
    return eventually(
      `another ${role} than ${before}`,
      async () => {
        const record = role === 'supervisor' ? readSupervisor(this.data) : readRecord(this.data, role);
        if (record === undefined || record.pid === before) return undefined;
        return (await runs(systemProcessTable(), record)) ? record.pid : undefined;
      },
      { timeoutMs: 30_000 },
    );
  }

  /** Processes that have the directory among their arguments or in their environment. */
  async processes(): Promise<number[]> {
    const { leftBehind } = await import('../../../demo/left-behind.ts');
    const left = await leftBehind({ directory: this.#directory, data: this.data }, []);
    return left.flatMap((line) => /^process (\d+)/.exec(line)?.[1] ?? []).map(Number);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if ((await supervisorStatus(this.data)) !== undefined) await this.down();
    // What a failed test left without a supervisor: by number, each belongs to this directory.
    for (const pid of await this.processes()) process.kill(pid, 'SIGKILL');
    await eventually(
      'every process of the test to be gone',
      async () => (await this.processes()).length === 0,
    );
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export interface Knocking {
  readonly answered: number;
  readonly failures: Readonly<Record<string, number>>;
}

/** Clients that open a connection for each request, one after the other, until they are told to stop. */
export function knock(url: string, clients: number): { stop(): Promise<Knocking>; answered(): number } {
  let stopping = false;
  let answered = 0;
  const failures: Record<string, number> = {};
  const once = (): Promise<void> =>
    new Promise((resolve) => {
      const outgoing = request(url, { agent: false, timeout: 10_000 }, (answer) => {
        answer.resume();
        answer.on('end', () => {
          answered += 1;
          resolve();
        });
      });
      outgoing.on('timeout', () =>
        outgoing.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })),
      );
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        const cause = error.code ?? error.message;
        failures[cause] = (failures[cause] ?? 0) + 1;
        resolve();
      });
      outgoing.end();
    });
  const loop = async (): Promise<void> => {
    while (!stopping) await once();
  };
  const loops = Array.from({ length: clients }, loop);
  return {
    answered: () => answered,
    stop: async () => {
      stopping = true;
      await Promise.all(loops);
      return { answered, failures };
    },
  };
}
