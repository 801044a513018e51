import { describe, expect, it } from 'vitest';
import { leftBehind } from '../../demo/left-behind.ts';
import { reconcile } from '../../demo/reconcile.ts';
import { followRelease, type ReleaseOutcome } from '../../demo/release.ts';
import type { Screen } from '../../demo/screen.ts';
import { applyShop, releaseShop, SHOP } from '../../demo/shop.ts';
import { makePlace, removePlace, startSlipway, stopSlipway } from '../../demo/slipway.ts';
import type { Execution } from '../../src/api/execution.ts';
import { PLAIN } from '../../src/cli/terminal/paint.ts';
import { ControlSocketClient } from '../../src/router/control-socket-client.ts';
import { LoadProcess } from '../support/load/load-process.ts';

const silent: Screen = {
  paint: PLAIN,
  say: () => undefined,
  show: () => undefined,
  end: () => undefined,
};

/** In this order, so that the change to `rolling`, which goes by `blueGreen` once, is among them. */
const RELEASES = [
  { version: 'v2', strategy: { custom: { percentages: [50, 100], beta: true } }, goesBy: 'custom' },
  { version: 'v3', strategy: { canary: { weights: [5, 25, 50, 100] } }, goesBy: 'canary' },
  { version: 'v2', strategy: { rolling: {} }, goesBy: 'blueGreen' },
  { version: 'v3', strategy: { rolling: {} }, goesBy: 'rolling' },
] as const;

describe('custom, canary and rolling under a mixed load', () => {
  it('fail no request, and every kind of traffic is in flight at each flip', {
    timeout: 120_000,
  }, async () => {
    const place = makePlace();
    const outcomes: ReleaseOutcome[] = [];
    try {
      const { api, entry } = await startSlipway(place, () => undefined);
      const next = async (load: LoadProcess | undefined): Promise<void> => {
        const known = new Set(outcomes.map(({ line }) => line.name));
        const { signal } = new AbortController();
        const outcome = await followRelease({ api, load, screen: silent, known, signal });
        outcomes.push(outcome);
        expect(outcome.line.phase, outcome.release.status?.failure?.message).toBe('Succeeded');
      };
      await applyShop(api, { replicas: 3 });
      await next(undefined);
      const router = new ControlSocketClient(place.data.routerSocket);
      const before = await router.stats();
      await using load = await LoadProcess.start({ target: entry, host: SHOP.host, clients: 24, rate: 150 });
      await load.waitForSteady();
      for (const [round, { version, strategy }] of RELEASES.entries()) {
        await releaseShop(api, version, strategy, { ROUND: String(round) });
        // Nobody is there: what goes once by `blueGreen` waits for none of its default pauses either.
        await next(load);
      }
      const books = await load.stop();
      const executions = (await api.list<Execution>('Execution')).items;
      const names = new Set(outcomes.slice(1).map(({ line }) => line.name));
      const reconciled = reconcile({
        service: SHOP.service,
        before,
        after: await router.stats(),
        clients: books,
        executions: executions.filter(({ spec }) => spec.release !== null && names.has(spec.release)),
      });
      api.close();
      expect(books.firstFailures).toEqual([]);
      expect(books.failed).toBe(0);
      expect(books.started).toBe(books.finished);
      expect(reconciled.routerFailed).toBe(0);
      expect(reconciled.differences).toEqual([]);
    } finally {
      await stopSlipway(place);
      removePlace(place);
    }
    const released = outcomes.slice(1);
    expect(released.map(({ line }) => line.strategy)).toEqual(RELEASES.map(({ goesBy }) => goesBy));
    for (const { line, flips } of released) {
      expect(flips.length, line.name).toBeGreaterThan(0);
      expect(line.failed, line.name).toBe(0);
      for (const { inFlight } of flips)
        expect(Math.min(...Object.values(inFlight)), line.name).toBeGreaterThan(0);
    }
    expect(released.flatMap(({ drains }) => drains).filter(({ cut }) => cut > 0)).toEqual([]);
    expect(await leftBehind(place, [])).toEqual([]);
  });
});
