import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Execution } from '../src/api/execution.ts';
import { formatMs } from '../src/cli/text/words.ts';
import { messageOf } from '../src/lib/errors.ts';
import { ControlSocketClient } from '../src/router/control-socket-client.ts';
import { LoadProcess } from '../test/support/load/load-process.ts';
import type { LoadReport } from '../test/support/load/report.ts';
import { checks } from './checks.ts';
import { conclude } from './conclusion.ts';
import { leftBehind } from './left-behind.ts';
import { type Reconciliation, reconcile } from './reconcile.ts';
import { followRelease, type ReleaseOutcome } from './release.ts';
import type { DemoReport } from './report.ts';
import type { Screen } from './screen.ts';
import { applyShop, BLUE_GREEN, releaseShop, rollBackShop, SCALED, SHOP } from './shop.ts';
import {
  type DemoPlace,
  type DemoSlipway,
  makePlace,
  removePlace,
  startSlipway,
  stopSlipway,
} from './slipway.ts';

export interface DemoOptions {
  /** End everything afterwards. */
  readonly exit: boolean;
  readonly replicas: number;
  readonly clients: number;
  readonly rate: number;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

/** What is known so far; the report is made of it, however far it came. */
interface Progress {
  readonly releases: ReleaseOutcome[];
  readonly problems: string[];
  slipway: DemoSlipway | undefined;
  load: LoadReport | undefined;
  reconciliation: Reconciliation | undefined;
  rollback: DemoReport['rollback'];
}

/** The whole demo. Everything that it starts is ended again when it is interrupted, fails, or was told to. */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const startedAt = performance.now();
  const place = makePlace();
  // Whatever anybody below writes to the temporary directory is inside of ours.
  process.env.TMPDIR = join(place.directory, 'tmp');
  mkdirSync(process.env.TMPDIR);
  const progress: Progress = {
    releases: [],
    problems: [],
    slipway: undefined,
    load: undefined,
    reconciliation: undefined,
    rollback: null,
  };
  const after = options.exit ? 'removed at the end' : 'left there at the end';
  options.screen.say(`Slipway demo · state in ${place.directory} (${after})`);
  try {
    await perform(options, place, progress);
  } catch (error) {
    if (!options.signal.aborted) progress.problems.push(messageOf(error));
  }
  const end = options.exit || options.signal.aborted || progress.slipway === undefined;
  const left = end ? await endAll(place, progress) : null;
  const report = reportOf(options, progress, left, Math.round(performance.now() - startedAt));
  conclude(options.screen, place, progress.releases, report);
  return report;
}

async function perform(options: DemoOptions, place: DemoPlace, progress: Progress): Promise<void> {
  const { screen, signal, replicas } = options;
  const { paint } = screen;
  const tick = paint.good('✓');
  const slipway = await startSlipway(place, () => undefined);
  progress.slipway = slipway;
  const { api, entry } = slipway;
  for (const warning of slipway.up.warnings) screen.say(`${paint.warn('!')} ${warning}`);
  screen.say(`${tick} router, manager, agent up in ${formatMs(slipway.up.wallMs)}`, '');
  signal.throwIfAborted();

  const next = (load: LoadProcess | undefined): Promise<ReleaseOutcome> =>
    followRelease({
      api,
      load,
      screen,
      signal,
      known: new Set(progress.releases.map(({ line }) => line.name)),
    });
  const keep = (outcome: ReleaseOutcome): ReleaseOutcome => {
    progress.releases.push(outcome);
    if (outcome.line.phase !== 'Succeeded') {
      throw new Error(
        `${outcome.line.name} ended ${outcome.line.phase}: ${outcome.release.status?.failure?.message}`,
      );
    }
    return outcome;
  };

  await applyShop(api, { replicas });
  keep(await next(undefined));
  screen.say(`${tick} shop r1 serving: ${replicas} instances on ${entry.replace('127.0.0.1', SHOP.host)}`);

  const router = new ControlSocketClient(place.data.routerSocket);
  const before = await router.stats();
  await using load = await LoadProcess.start({
    target: entry,
    host: SHOP.host,
    clients: options.clients,
    rate: options.rate,
  });
  await load.waitForSteady();
  const kinds = 'keep-alive, close, uploads, slow, streams, WebSockets';
  screen.say(`${tick} load: ${options.clients} clients (${kinds}), ${options.rate} requests/s`, '');

  await releaseShop(api, 'v2', SCALED);
  keep(await next(load));
  await releaseShop(api, 'v3', BLUE_GREEN);
  keep(await next(load));

  const failedBefore = (await load.snapshot()).failed;
  const beganAt = performance.now();
  await rollBackShop(api);
  const rollback = await next(load);
  progress.rollback = {
    phase: rollback.line.phase,
    wallMs: Math.round(performance.now() - beganAt),
    flipMs: rollback.flips[0]?.flipMs ?? null,
    failed: (await load.snapshot()).failed - failedBefore,
  };
  keep(rollback);

  progress.load = await load.stop();
  const executions = await api.list<Execution>('Execution');
  const names = new Set(progress.releases.slice(1).map(({ line }) => line.name));
  progress.reconciliation = reconcile({
    service: SHOP.service,
    before,
    after: await router.stats(),
    clients: progress.load,
    executions: executions.items.filter(({ spec }) => spec.release !== null && names.has(spec.release)),
  });
}

/** Stops, removes, and then looks whether anything is left. */
async function endAll(place: DemoPlace, progress: Progress): Promise<readonly string[]> {
  const ports = [progress.slipway?.entry, progress.slipway?.up.status.urls.api]
    .filter((url) => url !== undefined)
    .map((url) => Number(new URL(url).port));
  try {
    progress.slipway?.api.close();
    await stopSlipway(place);
    removePlace(place);
  } catch (error) {
    progress.problems.push(`not everything could be ended: ${messageOf(error)}`);
  }
  return await leftBehind(place, ports);
}

function reportOf(
  options: DemoOptions,
  progress: Progress,
  left: readonly string[] | null,
  wallMs: number,
): DemoReport {
  const { load, releases, reconciliation } = progress;
  const flips = releases.flatMap((outcome) => outcome.flips);
  const problems = [...progress.problems, ...checks(flips, load, reconciliation), ...(left ?? [])];
  const phase = options.signal.aborted ? 'Interrupted' : problems.length === 0 ? 'Succeeded' : 'Failed';
  return {
    phase,
    requests: load?.started ?? 0,
    finished: load?.finished ?? 0,
    failed: load?.failed ?? 0,
    failures: load?.failures ?? {},
    releases: releases.map((outcome) => outcome.line),
    flips,
    drains: releases.flatMap((outcome) => outcome.drains),
    wallMs,
    rollback: progress.rollback,
    reconciliation: reconciliation ?? null,
    latency: load === undefined ? null : { p50Ms: load.latency.p50Ms, p99Ms: load.latency.p99Ms },
    upMs: progress.slipway?.up.wallMs ?? null,
    problems,
    warnings: progress.slipway?.up.warnings ?? [],
    left,
  };
}
