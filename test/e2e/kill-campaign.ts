/**
 * `node test/e2e/kill-campaign.ts [--kills N] [--victims manager,agent,supervisor] [--seed S] [--json]`
 *
 * Kills each victim N times (50) at random moments of releases under load. Exit code 0 when no request failed,
 * no acknowledged write was lost, every release succeeded, and nothing is left behind.
 */
import { parseArgs } from 'node:util';
import { runCampaign, type Victim } from './campaign.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    victims: { type: 'string', default: 'manager,agent,supervisor' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    json: { type: 'boolean', default: false },
  },
});
const VICTIMS: readonly string[] = ['manager', 'agent', 'supervisor'];
const victims = values.victims.split(',');
const unknown = victims.find((victim) => !VICTIMS.includes(victim));
if (unknown !== undefined) throw new TypeError(`--victims ${unknown}: one of ${VICTIMS.join(', ')}`);

const report = await runCampaign({
  kills: Number(values.kills),
  victims: victims as Victim[],
  seed: Number(values.seed),
  say: (line) => process.stderr.write(`${line}\n`),
});
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
else process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
process.exitCode = report.ok ? 0 : 1;
