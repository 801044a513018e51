/**
 * `npm run simulate:mutants [-- --seeds N] [--only NAME,NAME] [--table FILE]`: runs the campaign's own seeds with
 * each deliberate bug in turn, and says after how many seeds it was seen, and by which rule. Exit code 0 only when
 * every one was. `--table` writes what is in docs/simulation-mutants.md.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
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

const wanted = MUTANTS.filter(({ name }) => only?.includes(name) ?? true);
const outcomes = new Map<Mutant, Found>();
const left = [...wanted];
// Each in a process of its own, and as many at once as there are cores: the few that are found late wait for nobody.
await Promise.all(Array.from({ length: availableParallelism() }, () => lookAtSome()));
const found = wanted.flatMap((mutant) => outcomes.get(mutant) ?? []);
const missed = found.filter(({ afterSeeds }) => afterSeeds === null);
console.log(`${found.length - missed.length} of ${found.length} seen`);
if (values.table !== undefined) writeFileSync(values.table, tableOf(found));
process.exitCode = missed.length === 0 ? 0 : 1;

async function lookAtSome(): Promise<void> {
  for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
    const outcome = await look(mutant);
    outcomes.set(mutant, outcome);
    console.log(
      outcome.afterSeeds === null
        ? `✗ ${mutant.name}: ${outcome.rule}`
        : `✓ ${mutant.name}: after ${outcome.afterSeeds} seeds, ${outcome.rule}`,
    );
  }
}

async function look(mutant: Mutant): Promise<Found> {
  const run = await runFile(
    [
      ...['--import', here('./register.ts'), here('../simulate.ts')],
      ...['--seeds', seeds, '--first', '--threads', '1'],
    ],
    mutant,
  );
  const last = run.stdout.trim().split('\n').at(-1) ?? '';
  const not = (rule: string): Found => ({ mutant, afterSeeds: null, rule });
  if (!last.startsWith('{')) return not(`could not be run: ${run.stderr.trim().split('\n').at(-1)}`);
  const [violation] = (JSON.parse(last) as CampaignResult).violations;
  if (violation === undefined) return not(`not seen in ${seeds} seeds`);
  const { seed, rule, message } = violation;
  if (!(await isClean(seed)))
    return not(`seed ${seed} breaks a promise without it: npm run simulate -- --seed ${seed}`);
  // Seeds begin at 1.
  return { mutant, afterSeeds: seed, rule: `${rule}: ${message}` };
}

/** What breaks without the bug too shows nothing of it, and is a bug of its own. */
async function isClean(seed: number): Promise<boolean> {
  const { stdout } = await runFile([here('../simulate.ts'), '--seed', String(seed)], null);
  const { violations } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as CampaignResult;
  return violations.length === 0;
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

/** A bug that is seen ends its run with exit code 1: what it printed counts. */
function runFile(
  args: readonly string[],
  mutant: Mutant | null,
): Promise<{ stdout: string; stderr: string }> {
  const env = mutant === null ? process.env : { ...process.env, [MUTANT_VARIABLE]: mutant.name };
  return new Promise((resolve) => {
    execFile(process.execPath, [...args], { env, maxBuffer: 64 * 1024 * 1024 }, (_error, stdout, stderr) =>
      resolve({ stdout, stderr }),
    );
  });
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
