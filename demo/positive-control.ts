/**
 * Does the harness see failures where there are some? The demo's load against releases done wrong on purpose,
 * and against one done right with the same hands:
 *
 *   kill     the router moves the traffic, and the old version is ended before it drains
 *   restart  every instance is ended and started again in its place, as a shell script would
 *   drain    moved, drained, idle connections closed, then ended: what Slipway does
 *
 * `node demo/positive-control.ts [--json] [--rounds N]`. Exit code 0 when the first two report failures and
 * the last reports none.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { silentLog } from '../src/lib/log.ts';
import { type RouterHandle, startRouter } from '../src/router/router.ts';
import type { Backend, RouteTable } from '../src/router/table.ts';
import { LoadProcess } from '../test/support/load/load-process.ts';
import { ShopProcess } from '../test/support/load/shop-process.ts';

export const WAYS = ['kill', 'restart', 'drain'] as const;
export type Way = (typeof WAYS)[number];

export interface ControlOutcome {
  readonly way: Way;
  readonly requests: number;
  readonly failed: number;
  readonly failures: Readonly<Record<string, number>>;
  /** What the harness must report for it to be believed elsewhere. */
  readonly expected: 'failures' | 'none';
  readonly ok: boolean;
}

const SERVICE = 'control/shop';
const INSTANCES = 6;

/** One release done this way under the demo's load. */
export async function runControl(
  way: Way,
  options: { rounds?: number; rate?: number } = {},
): Promise<ControlOutcome> {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-control-'));
  const router = await startRouter({
    listen: [{ host: '127.0.0.1', port: 0 }],
    controlPath: null,
    tableFile: join(directory, 'table.json'),
    log: silentLog,
  });
  const shops: ShopProcess[] = [];
  const start = async (version: 'v1' | 'v2', ports: readonly number[] = []): Promise<ShopProcess[]> => {
    const started = await Promise.all(
      Array.from({ length: INSTANCES }, (_, n) => ShopProcess.start({ version, port: ports[n] ?? 0 })),
    );
    shops.push(...started);
    return started;
  };
  try {
    let old = await start('v1');
    await router.control.putTable(
      table(
        1,
        old.map((shop) => backend(shop, 'serving', 1)),
        'round-1',
      ),
    );
    const port = router.addresses[0]?.port ?? 0;
    await using load = await LoadProcess.start({
      target: `http://127.0.0.1:${port}`,
      rate: options.rate ?? 400,
    });
    await load.waitForSteady();
    for (let round = 2; round <= (options.rounds ?? 1) + 1; round++) {
      old = await HANDS[way]({ router, old, round, start });
      // The clients meet what was done before the next thing is done.
      await load.waitForSteady().catch(() => undefined);
    }
    const { started: requests, failed, failures } = await load.stop();
    const expected = way === 'drain' ? 'none' : 'failures';
    return { way, requests, failed, failures, expected, ok: failed > 0 === (expected === 'failures') };
  } finally {
    await Promise.all(shops.map((shop) => shop[Symbol.asyncDispose]()));
    await router.stop(0);
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Situation {
  readonly router: RouterHandle;
  readonly old: readonly ShopProcess[];
  /** Counts from 2: the version that comes. */
  readonly round: number;
  start(version: 'v1' | 'v2', ports?: readonly number[]): Promise<ShopProcess[]>;
}

const HANDS: Readonly<Record<Way, (situation: Situation) => Promise<ShopProcess[]>>> = {
  kill: async ({ router, old, round, start }) => {
    const green = await start('v2');
    await router.control.putTable(
      table(
        round,
        green.map((shop) => backend(shop, 'serving', round)),
        `round-${round}`,
      ),
    );
    for (const shop of old) shop.child.kill('SIGKILL');
    return green;
  },
  restart: async ({ old, start }) => {
    const ports = old.map((shop) => shop.port);
    for (const shop of old) shop.child.kill('SIGTERM');
    await Promise.all(old.map((shop) => shop.exited));
    return start('v2', ports);
  },
  drain: async ({ router, old, round, start }) => {
    const green = await start('v2');
    const leaving = old.map((shop) => backend(shop, 'draining', round - 1));
    const coming = green.map((shop) => backend(shop, 'serving', round));
    await router.control.putTable(table(round, [...leaving, ...coming], `round-${round}`));
    await Promise.all(
      leaving.map(async ({ id }) => {
        await router.control.awaitDrained(id, { streams: false, timeoutMs: 30_000 });
        await router.control.closeIdle(id);
      }),
    );
    for (const shop of old) shop.child.kill('SIGTERM');
    await Promise.all(old.map((shop) => shop.exited));
    return green;
  },
};

const backend = (shop: ShopProcess, state: Backend['state'], round: number): Backend => ({
  id: `shop-${shop.child.pid}`,
  version: `round-${round}`,
  service: SERVICE,
  host: '127.0.0.1',
  port: shop.port,
  state,
});

const table = (generation: number, backends: readonly Backend[], version: string): RouteTable => ({
  generation,
  backends,
  routes: [
    {
      id: 'shop',
      service: SERVICE,
      host: null,
      path: '/',
      versions: [{ version, weight: 100 }],
      rules: [],
      sticky: null,
      timeouts: { connectMs: 1_000, responseHeadMs: 60_000, idleMs: 0 },
    },
  ],
});

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '1' } },
  });
  const outcomes: ControlOutcome[] = [];
  for (const way of WAYS) {
    const outcome = await runControl(way, { rounds: Number(values.rounds) });
    outcomes.push(outcome);
    const { requests, failed, failures, expected, ok } = outcome;
    process.stderr.write(
      `${ok ? '✓' : '✗'} ${way}: ${failed} of ${requests} requests failed ${JSON.stringify(failures)}, expected ${expected}\n`,
    );
  }
  if (values.json) process.stdout.write(`${JSON.stringify(outcomes)}\n`);
  process.exitCode = outcomes.every((outcome) => outcome.ok) ? 0 : 1;
}

if (import.meta.main) await main();
