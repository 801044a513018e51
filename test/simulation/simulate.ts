/**
 * Many bad days in virtual time: `npm run simulate -- --seeds N [--from S] [--minutes M] [--json]`, `--first` ends at
 * the first broken promise; or one of them in full: `--seed S [--trace] [--shrink]`. The last line of standard output is one JSON object.
 * Exit code 0 only when no promise was broken.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { drawScenario } from '../../src/simulator/draw-scenario.ts';
import { type RunOutcome, simulate, type TraceLine } from '../../src/simulator/simulation.ts';
import { runCampaign } from './campaign.ts';
import { shrink } from './shrink.ts';

const SHRINK_MS = 120_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string' },
    minutes: { type: 'string' },
    seed: { type: 'string' },
    trace: { type: 'boolean' },
    shrink: { type: 'boolean' },
    first: { type: 'boolean' },
    json: { type: 'boolean' },
  },
});

process.exitCode = values.seed === undefined ? await many() : await one(values.seed);

async function many(): Promise<number> {
  const limitMs = values.minutes === undefined ? undefined : number('minutes', values.minutes) * 60_000;
  const seeds =
    values.seeds === undefined ? (limitMs === undefined ? 200 : 1_000_000) : number('seeds', values.seeds);
  const result = await runCampaign({
    from: number('from', values.from ?? '1'),
    seeds,
    ...(limitMs === undefined ? {} : { limitMs }),
    stopAtFirst: values.first === true,
    told: (seed, outcome) => {
      if (outcome.violations.length > 0) say(...failureWords(seed, outcome));
      else if (seed % 100 === 0) say(`seed ${seed}`);
    },
  });
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

/** Progress goes to standard error, so that standard output stays for programs. */
function say(...lines: readonly string[]): void {
  for (const line of lines) console.error(line);
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) {
    console.error(`--${name}: found ${JSON.stringify(text)}, allowed: a number such as 100`);
    process.exit(2);
  }
  return value;
}
