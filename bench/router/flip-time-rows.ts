import { mkdir } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, type Row, rounded } from '../row.ts';
import { Child } from './child.ts';
import { backendAt, type SlipwayFront, startSlipway, tableFor } from './proxies.ts';

const BUSY_CONNECTIONS = 32;
const LONGEST_MS = 200;

/**
 * P4: from a table's commit to the last request that starts on the old version, and how much longer a
 * drain takes than the longest request that is inside.
 */
export async function flipTimeRows(directory: string, options: { flips: number }): Promise<Row[]> {
  const home = join(directory, 'flip-time');
  await mkdir(home);
  const router = await startSlipway(home, null);
  const start = (): Child =>
    new Child(process.execPath, [fileURLToPath(new URL('flip-origin.ts', import.meta.url))]);
  const origins = [start(), start()];
  try {
    const ports = await Promise.all(origins.map(async (origin) => Number(await origin.line())));
    return await measure(router, ports, options.flips);
  } finally {
    await router.stop();
    for (const origin of origins) await origin.end();
  }
}

async function measure(router: SlipwayFront, ports: readonly number[], flips: number): Promise<Row[]> {
  const { control } = router;
  const flipMs: number[] = [];
  const ackMs: number[] = [];
  const drainMs: number[] = [];
  let generation = 0;
  const backend = (i: number, state: 'serving' | 'draining') =>
    backendAt(`shop-r${i}-${i}`, ports[i] as number, state);
  await control.putTable(tableFor(++generation, [backend(0, 'serving')], 'shop-r0'));
  const load = keepBusy(router.port);
  try {
    for (let flip = 0; flip < flips; flip++) {
      const [from, to] = flip % 2 === 0 ? [0, 1] : [1, 0];
      const longest = fetchText(router.port, `/slow?ms=${LONGEST_MS}`);
      await inside(control, `shop-r${from}-${from}`);
      const sentAt = performance.now();
      const table = tableFor(
        ++generation,
        [backend(from, 'draining'), backend(to, 'serving')],
        `shop-r${to}`,
      );
      const { swappedAt } = await control.putTable(table);
      ackMs.push(performance.now() - sentAt);
      await control.awaitDrained(`shop-r${from}-${from}`, { streams: false, timeoutMs: 10_000 });
      drainMs.push(performance.now() - sentAt - LONGEST_MS);
      await longest;
      const lastAt = Number(await fetchText(ports[from] as number, '/last'));
      flipMs.push(Math.max(0, lastAt - Date.parse(swappedAt)));
    }
  } finally {
    await load.stop();
  }
  const flip = rounded(median(flipMs), 2);
  const drain = rounded(median(drainMs), 1);
  return [
    {
      row: 'P4 from commit to the last request that starts on the old version',
      value: flip,
      unit: 'ms',
      goal: '<= 5',
      peer: null,
      floor: '1 ms, the resolution of the commit time',
      ok: flip <= 5,
      note: `median of ${flips} flips under ${BUSY_CONNECTIONS} busy connections, ${spread(flipMs)}, by the clock of the old instance, which has to be given the processor first; ${rounded(median(ackMs), 1)} ms from sending the table to its acknowledgement, its fsync included`,
    },
    {
      row: 'P4 drain beyond the longest request inside',
      value: drain,
      unit: 'ms',
      goal: '<= 20',
      peer: null,
      floor: '0',
      ok: drain <= 20,
      note: `median of ${flips} drains with a request of ${LONGEST_MS} ms inside, ${spread(drainMs)}, counted from sending the table`,
    },
  ];
}

function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const p90 = sorted[Math.floor(sorted.length * 0.9)] ?? Number.NaN;
  return `p90 ${rounded(p90, 1)}, worst ${rounded(sorted.at(-1) ?? Number.NaN, 1)}`;
}

/** Waits until the slow request is inside the old instance. */
async function inside(control: SlipwayFront['control'], id: string): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    const load = await control.load(id);
    quiet = load !== undefined && load.requests > 0 ? quiet + 1 : 0;
  }
}

function keepBusy(port: number): { stop(): Promise<void> } {
  let stopped = false;
  const users = Array.from({ length: BUSY_CONNECTIONS }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!stopped) await fetchText(port, '/', agent);
    agent.destroy();
  });
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(users);
    },
  };
}

function fetchText(port: number, path: string, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, ...(agent ? { agent } : {}) };
    get(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`${response.statusCode} ${text}`)),
      );
    }).on('error', reject);
  });
}
