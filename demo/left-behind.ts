import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { systemProcessTable } from '../src/lib/process-table.ts';
import type { DemoPlace } from './slipway.ts';

/** What is still there of a demo that has ended: processes, ports, files. Each a sentence; none is wanted. */
export async function leftBehind(place: DemoPlace, ports: readonly number[]): Promise<string[]> {
  const [processes, open] = await Promise.all([processesOf(place.directory), Promise.all(ports.map(isOpen))]);
  return [
    ...processes.map(({ pid, words }) => `process ${pid}: ${words}`),
    ...ports.filter((_port, index) => open[index]).map((port) => `port ${port} still answers`),
    ...(existsSync(place.directory) ? [`directory ${place.directory}`] : []),
  ];
}

/** Every process that has the demo's directory among its arguments, in its environment or as its own. */
async function processesOf(directory: string): Promise<{ pid: number; words: string }[]> {
  const table = systemProcessTable();
  const found: { pid: number; words: string }[] = [];
  for (const { pid, zombie } of await table.list()) {
    // The demo itself has the directory in its environment as well.
    if (zombie || pid === process.pid) continue;
    const words = (await table.arguments(pid)) ?? '';
    const more = process.platform === 'linux' ? await environmentOf(pid) : '';
    if (words.includes(directory) || more.includes(directory)) found.push({ pid, words: words.trim() });
  }
  return found;
}

const environmentOf = (pid: number): Promise<string> =>
  readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''); // Another user's, or gone meanwhile: none of ours.

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 1_000 });
    const answer = (open: boolean) => (): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', answer(true)).once('error', answer(false)).once('timeout', answer(false));
  });
}
