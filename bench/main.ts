/**
 * `npm run bench`: rows P1-P6 and P12 of the performance goals, each with its peer and floor taken in the same
 * run. Text for people; `--json` prints one object a row and nothing else on standard output. `--only store,cli`
 * runs groups; `--short` is a quick look whose figures say less. (npm says what it runs before all else, unless it
 * is told not to: `npm run --silent bench -- --json`.)
 *
 * A goal that is missed is a figure like any other; the exit code is 1 when a group could not be measured.
 */
import { parseArgs } from 'node:util';
import { cliRows } from './cli/rows.ts';
import { releaseRows } from './release/rows.ts';
import { routerRows } from './router/rows.ts';
import type { Row } from './row.ts';
import { storeRows } from './store/rows.ts';

const GROUPS = { router: routerRows, release: releaseRows, store: storeRows, cli: cliRows };
type Group = keyof typeof GROUPS;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(GROUPS).join(',') },
  },
});

let missed = 0;
for (const name of options.only.split(',').map(asGroup)) {
  if (!options.json) console.log(`\n${name}`);
  try {
    for (const row of await GROUPS[name]({ short: options.short })) {
      if (row.ok === false) missed += 1;
      console.log(options.json ? JSON.stringify(row) : text(row));
    }
  } catch (error) {
    process.exitCode = 1;
    console.error(`${name}: could not be measured:`, error);
  }
}
if (!options.json) {
  const goals = missed === 0 ? 'no goal missed' : `${missed} ${missed === 1 ? 'goal' : 'goals'} missed`;
  console.log(`\n${goals}; a machine may be shared, so only ratios of one run count`);
}

function asGroup(name: string): Group {
  if (Object.hasOwn(GROUPS, name)) return name as Group;
  console.error(`bench: there is no group "${name}"; there are ${Object.keys(GROUPS).join(', ')}`);
  process.exit(1);
}

function text(row: Row): string {
  const mark = row.ok === null ? '-' : row.ok ? '✓' : '✗';
  const value = row.value === null ? 'not measured' : `${row.value} ${row.unit}`;
  const beside = Object.entries({ peer: row.peer, floor: row.floor }).flatMap(([what, said]) =>
    said === null ? [] : [`${what} ${said}`],
  );
  return [`${mark} ${row.row}: ${value}, goal ${row.goal}`, beside.join(' · '), row.note]
    .filter((line) => line !== '')
    .join('\n    ');
}
