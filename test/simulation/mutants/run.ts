/**
 * `npm run simulate:mutants [-- --seeds N] [--only NAME,NAME] [--table FILE]`: runs the campaign's own seeds with
 * each deliberate bug in turn, and says after how many seeds it was seen, and by which rule. Exit code 0 only when
 * every one was. `--table` writes what is in docs/simulation-mutants.md.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { CampaignResult } from '../campaign.ts';
import { MUTANT_VARIABLE, type Mutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string' }, only: { type: 'string' }, table: { type: 'string' } },
});
const seeds = values.seeds ?? '2000';
const only = values.only?.split(',');
const unknown = only?.find((name) => !MUTANTS.some((each) => each.name === name));
if (unknown !== undefined) throw new TypeError(`--only: there is no mutant ${unknown}`);

interface Found {
  readonly mutant: Mutant;
  /** Null: not seen within the seeds. */
  readonly afterSeeds: number | null;
  readonly rule: string;
}

const found: Found[] = [];
for (const mutant of MUTANTS.filter(({ name }) => only?.includes(name) ?? true)) {
  const outcome = look(mutant);
  found.push(outcome);
  console.log(
    outcome.afterSeeds === null
      ? `✗ ${mutant.name}: not seen in ${seeds} seeds`
      : `✓ ${mutant.name}: after ${outcome.afterSeeds} seeds, ${outcome.rule}`,
  );
}
const missed = found.filter(({ afterSeeds }) => afterSeeds === null);
console.log(`${found.length - missed.length} of ${found.length} seen`);
if (values.table !== undefined) writeFileSync(values.table, tableOf(found));
process.exitCode = missed.length === 0 ? 0 : 1;

function look(mutant: Mutant): Found {
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const run = spawnSync(
    process.execPath,
    ['--import', here('./register.ts'), here('../simulate.ts'), '--seeds', seeds, '--first'],
    {
      env: { ...process.env, [MUTANT_VARIABLE]: mutant.name },
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  const last = run.stdout.trim().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`mutant ${mutant.name} could not be run:\n${run.stderr}`);
  const result = JSON.parse(last) as CampaignResult;
  const [violation] = result.violations;
  return {
    mutant,
    // Seeds begin at 1, and several run at once: the lowest that shows it counts.
    afterSeeds: violation === undefined ? null : violation.seed,
    rule: violation === undefined ? '' : `${violation.rule}: ${violation.message}`,
  };
}

function tableOf(rows: readonly Found[]): string {
  const lines = rows.map(
    ({ mutant, afterSeeds, rule }) =>
      `| ${mutant.name} | ${mutant.bug} | ${afterSeeds ?? 'not seen'} | ${rule.replaceAll('|', '/').slice(0, 120)} |`,
  );
  return [
    '# Deliberate bugs and when the simulator sees them',
    '',
    `Made by \`npm run simulate:mutants -- --seeds ${seeds} --table docs/simulation-mutants.md\`, with the generator and the`,
    'seeds of the clean campaign, from seed 1.',
    '',
    '| mutant | the bug | seen after seeds | by |',
    '| --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}
