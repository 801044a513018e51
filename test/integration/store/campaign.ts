/**
 * The store's crash campaign: `node test/integration/store/campaign.ts --kills 200 --json`. One store lives
 * through all kills; after each it is opened and looked at. Exit code 0 only when nothing was lost.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killRun, randomMoment } from './kill-run.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '200' }, json: { type: 'boolean', default: false } },
});
const directory = mkdtempSync(join(tmpdir(), 'slipway-crash-'));
const outcome = { kills: 0, duringStart: 0, acknowledged: 0, lost: 0, wrong: [] as string[], wallMs: 0 };
const began = performance.now();
try {
  for (let run = 0; run < Number(values.kills); run++) {
    const moment = randomMoment();
    const { acknowledged, wrong } = await killRun(join(directory, 'slipway.db'), run, moment);
    outcome.kills += 1;
    outcome.duringStart += acknowledged === 0 ? 1 : 0;
    outcome.acknowledged += acknowledged;
    if (wrong !== undefined) {
      outcome.lost += 1;
      outcome.wrong.push(`kill ${run}, ${moment.ms} ms after ${moment.from}: ${wrong}`);
    }
    if (!values.json && outcome.kills % 20 === 0) {
      console.log(
        `${outcome.kills} kills, ${outcome.acknowledged} acknowledged writes, ${outcome.lost} lost`,
      );
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
outcome.wallMs = Math.round(performance.now() - began);
if (values.json) console.log(JSON.stringify(outcome));
else for (const line of outcome.wrong) console.log(line);
process.exitCode = outcome.lost === 0 ? 0 : 1;
