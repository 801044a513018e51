import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Instances that the local driver starts at the same time (LIMITS of drivers/local/local-driver.ts). */
const AT_ONCE = Math.max(2, availableParallelism());
const POLL_MS = 5;
const DEADLINE_MS = 30_000;

/**
 * What no release of this application could go below on this machine: the time in which bare child_process
 * gets so many instances to their first 200 of /healthz, asked every 5 ms over fresh connections.
 *
 * `groups` are the sizes that have to be ready one after the other, since the strategy moves traffic in
 * between: blueGreen of 6 is [6], scaled is [1, 3, 2]. Within a group as many start at once as the driver
 * starts at once, the next as soon as one is ready. In ms; every process is killed before it resolves.
 */
export async function spawnFloor(directory: string, groups: readonly number[]): Promise<number> {
  const total = groups.reduce((sum, size) => sum + size, 0);
  const ports = await Promise.all(Array.from({ length: total }, freePort));
  const children: ChildProcess[] = [];
  try {
    const startedAt = performance.now();
    for (const size of groups) await startGroup(directory, ports.splice(0, size), children);
    return performance.now() - startedAt;
  } finally {
    await Promise.all(children.map(end));
  }
}

async function startGroup(
  directory: string,
  ports: readonly number[],
  children: ChildProcess[],
): Promise<void> {
  const waiting = [...ports];
  const starter = async (): Promise<void> => {
    for (let port = waiting.shift(); port !== undefined; port = waiting.shift()) {
      const child = spawn(process.execPath, ['server.js'], {
        cwd: directory,
        env: { PATH: process.env.PATH ?? '', PORT: String(port) },
        stdio: 'ignore',
      });
      children.push(child);
      await firstAnswer(port, child);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, starter));
}

async function firstAnswer(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`the example ended with code ${child.exitCode}`);
    if (performance.now() > deadline) throw new Error(`the example did not answer within ${DEADLINE_MS} ms`);
    await sleep(POLL_MS);
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: '/healthz', agent: false }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode === 200));
      answer.once('error', () => resolve(false));
    });
    // Nothing listens yet.
    asked.once('error', () => resolve(false));
    asked.end();
  });

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
