import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, type Row, rounded, skipped } from '../row.ts';

const SLIPWAY = fileURLToPath(new URL('../../bin/slipway', import.meta.url));
const GOAL = 3;

/**
 * P12: how long `slipway --help` and `slipway get` take, in times of a bare `node -e 0` by the same binary,
 * taken in turns. The compile cache is warm, as it is for people from the second call on. `get` asks the manager
 * of this machine at its socket; the same over TLS, as from elsewhere, is in the note.
 */
export async function cliRows(options: { short: boolean }): Promise<Row[]> {
  const data = await mkdtemp(join(tmpdir(), 'slipway-bench-cli-'));
  const environment = { ...process.env, SLIPWAY_DATA: data };
  try {
    const up = await run([SLIPWAY, 'up', '--http', '0', '--api', '0', '--app-user', 'self'], environment);
    const rounds = options.short ? 8 : 40;
    const bare: number[] = [];
    const help: number[] = [];
    const get: number[] = [];
    const tls: number[] = [];
    const ca = join(data, 'ca.pem');
    if (up.code === 0) await writeFile(ca, await authorityOf(data));
    for (let round = -2; round < rounds; round += 1) {
      const times = [
        await run([process.execPath, '-e', '0'], environment),
        await run([SLIPWAY, '--help'], environment),
        await run([SLIPWAY, 'get', 'releases'], environment),
        // Who names an authority gets TLS.
        await run([SLIPWAY, 'get', 'releases', '--ca', ca], environment),
      ];
      // The first rounds fill the cache.
      if (round < 0) continue;
      for (const [at, list] of [bare, help, get, tls].entries()) {
        const one = times[at];
        if (one?.code === 0) list.push(one.ms);
      }
    }
    return [
      row('P12 slipway --help', help, bare, ''),
      up.code === 0
        ? row('P12 slipway get', get, bare, `over TLS ${rounded(median(tls) / median(bare))} x`)
        : skipped('P12 slipway get', 'x node -e 0', `<= ${GOAL}`, `slipway up ended with ${up.code}`),
    ];
  } finally {
    await run([SLIPWAY, 'down', '--yes'], environment);
    await rm(data, { recursive: true, force: true });
  }
}

async function authorityOf(data: string): Promise<string> {
  const { ca } = JSON.parse(await readFile(join(data, 'client.json'), 'utf8')) as { ca: string };
  return ca;
}

function row(name: string, times: readonly number[], bare: readonly number[], note: string): Row {
  const floor = median(bare);
  const value = rounded(median(times) / floor);
  const measured = times.length > 0;
  return {
    row: name,
    value: measured ? value : null,
    unit: 'x node -e 0',
    goal: `<= ${GOAL}`,
    peer: null,
    floor: `${rounded(floor, 1)} ms for node -e 0`,
    ok: measured ? value <= GOAL : null,
    note: [
      measured ? `${rounded(median(times), 1)} ms, median of ${times.length}` : 'it failed each time',
      note,
    ]
      .filter((text) => text !== '')
      .join('; '),
  };
}

/** From the spawn to the exit, ms. */
function run(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<{ ms: number; code: number | null }> {
  const [command = '', ...rest] = argv;
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, { stdio: 'ignore', env: environment });
    child.once('error', reject);
    child.once('exit', (code) => resolve({ ms: performance.now() - begun, code }));
  });
}
