/**
 * `npm run simulate`: many bad days in virtual time, or one of them in full. The last line of standard output is one
 * JSON object; progress and words go to standard error, so that standard output stays for programs.
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { drawScenario } from '../../src/simulator/draw-scenario.ts';
import { type RunOutcome, simulate, type TraceLine } from '../../src/simulator/simulation.ts';
import { runCampaign } from './campaign.ts';
import { runParallelCampaign } from './parallel-campaign.ts';
import { shrink } from './shrink.ts';

const SHRINK_MS = 120_000;

const HELP = `Usage: npm run simulate -- [options]

  --seeds N      so many seeds (200, or as many as fit where --minutes is given)
  --from S       beginning with this one (1)
  --minutes M    for so long at the most
  --first        ends at the first seed that breaks a promise
  --threads T    in so many threads (one for each core)
  --json         no progress, the last line alone

  --seed S       this one alone; what it breaks, with its last moments
    --trace      everything that happened in it
    --shrink     without what is not needed to break the promise

Examples:
  npm run simulate -- --seeds 1000 --from 5000
  npm run simulate -- --seed 4711 --shrink

Exit code 0 only when no promise was broken.`;

const { values } = options();
if (values.help === true) {
  console.log(HELP);
  process.exit(0);
}

process.exitCode = values.seed === undefined ? await many() : await one(values.seed);

async function many(): Promise<number> {
  const limitMs = values.minutes === undefined ? undefined : number('minutes', values.minutes) * 60_000;
  const seeds =
    values.seeds === undefined ? (limitMs === undefined ? 200 : 1_000_000) : number('seeds', values.seeds);
  const threads = number('threads', values.threads ?? String(availableParallelism()));
  const campaign = {
    from: number('from', values.from ?? '1'),
    seeds,
    ...(limitMs === undefined ? {} : { limitMs }),
    stopAtFirst: values.first === true,
    told: (seed: number, outcome: RunOutcome) => {
      if (outcome.violations.length > 0) say(...failureWords(seed, outcome));
      else if (seed % 100 === 0 && values.json !== true) say(`seed ${seed}`);
    },
  };
  const result = await (threads > 1 ? runParallelCampaign(campaign, threads) : runCampaign(campaign));
  if (result.coverage.missing.length > 0)
    say(`arrows that no run took: ${result.coverage.missing.join(', ')}`);
  console.log(JSON.stringify(result));
  return result.violations.length === 0 ? 0 : 1;
}

async function one(seed: string): Promise<number> {
  let scenario = drawScenario(seed);
  const first = await simulate({ scenario });
  const [violation] = first.violations;
  if (violation !== undefined && values.shrink === true) {
    const shrunk = await shrink(scenario, violation.rule, SHRINK_MS);
    scenario = shrunk.scenario;
    say(
      `shrunk in ${shrunk.runs} runs to ${scenario.operations.length} deeds and ${scenario.faults.length} faults:`,
      ...[...scenario.operations, ...scenario.faults].map((each) => `  ${JSON.stringify(each)}`),
    );
  }
  const outcome =
    values.trace === true || violation !== undefined ? await simulate({ scenario, trace: true }) : first;
  if (values.trace === true) for (const line of outcome.trace) console.log(textOf(line));
  else if (violation !== undefined) for (const line of outcome.trace.slice(-40)) say(textOf(line));
  if (violation !== undefined) say(...failureWords(Number(seed), first));
  const { trace: _trace, ...rest } = outcome;
  console.log(JSON.stringify(rest));
  return violation === undefined ? 0 : 1;
}

/** Seed, commit and rule: all that is needed to see it again. */
function failureWords(seed: number, { violations }: RunOutcome): string[] {
  return [
    `✗ seed ${seed} at commit ${commit()}`,
    ...violations.map(({ rule, message, atMs }) => `  ${(atMs / 1_000).toFixed(3)} s  ${rule}: ${message}`),
    `  npm run simulate -- --seed ${seed} --trace`,
    `  npm run simulate -- --seed ${seed} --shrink`,
  ];
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown (no git here)';
  }
}

function textOf({ atMs, node, text }: TraceLine): string {
  return `${(atMs / 1_000).toFixed(4).padStart(10)}  ${node.padEnd(11)} ${text}`;
}

function options() {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string' },
        from: { type: 'string' },
        minutes: { type: 'string' },
        threads: { type: 'string' },
        seed: { type: 'string' },
        trace: { type: 'boolean' },
        shrink: { type: 'boolean' },
        first: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    process.exit(2);
  }
}

function say(...lines: readonly string[]): void {
  for (const line of lines) console.error(line);
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) {
    say(`--${name}: found ${JSON.stringify(text)}, allowed: a number such as 100`);
    process.exit(2);
  }
  return value;
}
