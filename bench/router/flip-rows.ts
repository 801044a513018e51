import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RouterStats, VersionCounts } from '../../src/router/table.ts';
import { LoadProcess } from '../../test/support/load/load-process.ts';
import { KINDS, type Kind, type LoadReport } from '../../test/support/load/report.ts';
import { ShopProcess } from '../../test/support/load/shop-process.ts';
import { type Row, skipped } from '../row.ts';
import { backendAt, startNginx, startSlipway, tableFor } from './proxies.ts';

/** Of performance.md P3; `slow` runs with them. */
const JUDGED: readonly Kind[] = ['keepAlive', 'close', 'upload', 'sse', 'websocket'];
/**
 * Of nginx. Its reload is judged by what it does to connections alone: uploads would fail at any moment,
 * since it drops their trailers.
 */
const CONTROLS: readonly Kind[] = ['keepAlive', 'close', 'slow', 'sse', 'websocket'];
const REQUEST_CAP_MS = 20_000;
const GOAL_FLIPS = 50;

interface Flips {
  readonly report: LoadReport;
  /** How many flips each kind was in flight at. */
  readonly atFlip: Readonly<Record<Kind, number>>;
  readonly flips: number;
  /** What the router itself counted; null of nginx, which counts nothing. */
  readonly counted: { readonly requests: number; readonly failed: number } | null;
}

/**
 * P3: a mixed load through flips between processes, each old process ended as soon as it is drained,
 * judged by clients that retry nothing; and the same load through nginx, reloaded as usual, as the
 * positive control: a judge that never finds anything proves nothing.
 */
export async function flipRows(directory: string, options: { flips: number }): Promise<Row[]> {
  const ours = await flipSlipway(directory, options.flips);
  const reload = await reloadNginx(directory, Math.max(10, Math.round(options.flips / 3)));
  const peer =
    reload === null
      ? null
      : `nginx reload: ${reload.report.failed} of ${reload.report.started} failed in ${reload.flips} reloads`;
  const { counted, report } = ours;
  const agrees = counted?.requests === report.started && counted.failed === report.failed;
  const rows = JUDGED.map((kind): Row => {
    const { failed, finished } = ours.report.byKind[kind];
    const flips = ours.atFlip[kind];
    return {
      row: `P3 failures at flips, ${kind}`,
      value: failed,
      unit: 'failures',
      goal: `0 in >= ${GOAL_FLIPS} flips`,
      peer,
      floor: '0',
      ok: failed > 0 || !agrees ? false : flips >= GOAL_FLIPS ? true : null,
      note: `in flight at ${flips} of ${ours.flips} flips, ${finished} finished; the old process ended after its drain; clients counted ${report.started} requests in all, the router ${counted?.requests}`,
    };
  });
  return [...rows, control(reload)];
}

function control(reload: Flips | null): Row {
  const name = 'P3 positive control: failures of the same load at nginx reloads';
  if (reload === null) return skipped(name, 'failures', '> 0', 'nginx is not installed here');
  const { failed, failures, started } = reload.report;
  return {
    row: name,
    value: failed,
    unit: 'failures',
    goal: '> 0',
    peer: null,
    floor: null,
    ok: failed > 0,
    note: `${reload.flips} reloads, ${started} requests; ${JSON.stringify(failures)}`,
  };
}

function count(stats: RouterStats): { requests: number; failed: number } {
  const sum = (of: (counts: VersionCounts) => number): number =>
    stats.versions.reduce((n, v) => n + of(v), 0);
  return {
    requests: sum((v) => v.requests),
    failed: sum((v) => Object.values(v.failed).reduce((n, failures) => n + failures, 0)),
  };
}

async function flipSlipway(directory: string, wanted: number): Promise<Flips> {
  const home = join(directory, 'flips');
  await mkdir(home);
  const router = await startSlipway(home, null);
  const { control: table } = router;
  let generation = 0;
  let current = await ShopProcess.start({ version: 'v1' });
  let currentId = 'shop-r0-a';
  await table.putTable(tableFor(++generation, [backendAt(currentId, current.port)], 'shop-r0'));
  const load = await LoadProcess.start({ target: `http://127.0.0.1:${router.port}`, clients: 48, rate: 300 });
  const atFlip = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  let flips = 0;
  try {
    await load.waitForSteady();
    // A flip counts for a kind only when that kind was in flight at it.
    while (JUDGED.some((kind) => atFlip[kind] < wanted) && flips < wanted * 3) {
      flips++;
      const version = `shop-r${flips}`;
      const next = await ShopProcess.start({ version: flips % 2 === 0 ? 'v1' : 'v2' });
      const id = `${version}-a`;
      const old = backendAt(currentId, current.port, 'draining');
      const mark = await load.mark(version);
      for (const kind of KINDS) if (mark.inFlight[kind] > 0) atFlip[kind]++;
      await table.putTable(tableFor(++generation, [old, backendAt(id, next.port)], version));
      await table.awaitDrained(currentId, { streams: false, timeoutMs: REQUEST_CAP_MS });
      await table.closeIdle(currentId);
      current.child.kill('SIGTERM');
      await current.exited;
      await table.putTable(tableFor(++generation, [backendAt(id, next.port)], version));
      current = next;
      currentId = id;
    }
    return { report: await load.stop(), atFlip, flips, counted: count(await table.stats()) };
  } finally {
    await load[Symbol.asyncDispose]();
    await router.stop();
    await current[Symbol.asyncDispose]();
  }
}

async function reloadNginx(directory: string, reloads: number): Promise<Flips | null> {
  const home = join(directory, 'reloads');
  await mkdir(home);
  let current = await ShopProcess.start({ version: 'v1' });
  const nginx = await startNginx(home, current.port);
  if (nginx === null) {
    await current[Symbol.asyncDispose]();
    return null;
  }
  const target = `http://127.0.0.1:${nginx.port}`;
  const load = await LoadProcess.start({ target, clients: 48, rate: 300, kinds: CONTROLS });
  const atFlip = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  try {
    await load.waitForSteady();
    for (let i = 1; i <= reloads; i++) {
      const next = await ShopProcess.start({ version: i % 2 === 0 ? 'v1' : 'v2' });
      await load.mark(`reload ${i}`);
      await nginx.reload(next.port);
      // nginx does not say when an old worker is done; as long as a slow request is what people give it.
      await sleep(1_000);
      current.child.kill('SIGTERM');
      await current.exited;
      current = next;
    }
    return { report: await load.stop(), atFlip, flips: reloads, counted: null };
  } finally {
    await load[Symbol.asyncDispose]();
    await nginx.stop();
    await current[Symbol.asyncDispose]();
  }
}
