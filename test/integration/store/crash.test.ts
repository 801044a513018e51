import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { killRun, openStore, randomMoment } from './kill-run.ts';
import { perform, whyWrong } from './model.ts';

const directory = mkdtempSync(join(tmpdir(), 'slipway-crash-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('kill -9 at random moments loses no acknowledged write and tears none', async () => {
  const file = join(directory, 'slipway.db');
  let acknowledged = 0;
  for (let run = 0; run < 15; run++) {
    const moment = randomMoment();
    const outcome = await killRun(file, run, moment);
    expect(outcome.wrong, `kill ${run}, ${moment.ms} ms after ${moment.from}`).toBeUndefined();
    acknowledged += outcome.acknowledged;
  }
  expect(acknowledged).toBeGreaterThan(0);
});

test('the look at the store sees a lost, a torn and a reordered write', async () => {
  const store = await openStore(join(directory, 'control.db'));
  for (let n = 1; n <= 30; n++) await perform(store, 'w', n);
  const version = Number(await store.currentVersion());
  const look = (n: number, at = version) => whyWrong(store, new Map([['w', { n, version: at }]]));
  expect(await look(30)).toBeUndefined();
  // One write may be under way beyond the last that was acknowledged; a second may not.
  expect(await look(29)).toBeUndefined();
  expect(await look(28)).toMatch(/write 28 acknowledged/);
  expect(await look(31)).toMatch(/write 31 acknowledged/);
  expect(await look(30, version + 1)).toMatch(/was acknowledged/);
  const one = await store.get({ kind: 'Application', namespace: 'crash', name: 'w-2' });
  if (one !== undefined) await store.update({ ...one, spec: { ...(one.spec as object), pad: 'torn' } });
  expect(await look(30)).toMatch(/write 30 acknowledged/);
  await store.close();
});
