/** `npm run check`: types, lint, boundaries, generated files. Fails when any fails; says what to run next. */
import { readdir } from 'node:fs/promises';
import { checkGenerated } from './generate.ts';
import { run } from './run.ts';

interface Check {
  readonly name: string;
  readonly next: string;
  readonly run: () => Promise<string | null>;
}

const tool = async (argv: readonly string[]): Promise<string | null> => {
  const { code, output } = await run(argv, { quiet: true });
  return code === 0 ? null : output;
};

/** dependency-cruiser looks at 0 modules and passes where it cannot read TypeScript: the count is asserted. */
async function boundaries(): Promise<string | null> {
  const { code, output } = await run(
    ['depcruise', '--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'],
    { quiet: true },
  );
  const start = output.indexOf('{');
  if (start < 0) return output;
  const report = JSON.parse(output.slice(start)) as {
    modules: { source: string }[];
    summary: {
      violations: { rule: { name: string }; from: string; to: string; cycle?: { name: string }[] }[];
    };
  };
  const seen = report.modules.filter(({ source }) => source.startsWith('src/')).length;
  const files = (await readdir('src', { recursive: true })).filter((file) => file.endsWith('.ts')).length;
  if (seen < files) return `dependency-cruiser looked at ${seen} of ${files} modules`;
  const broken = report.summary.violations.map(
    ({ rule, from, to, cycle }) =>
      `${rule.name}: ${from} → ${cycle === undefined ? to : cycle.map(({ name }) => name).join(' → ')}`,
  );
  return broken.length > 0 || code !== 0
    ? `${broken.join('\n')}\n(each rule says why in .dependency-cruiser.cjs)`
    : null;
}

const checks: readonly Check[] = [
  {
    name: 'types',
    next: 'node_modules/.bin/tsc',
    run: () => tool(['tsc', '-p', 'tsconfig.json', '--pretty', 'false']),
  },
  { name: 'lint', next: 'npm run format', run: () => tool(['biome', 'check', '--max-diagnostics=50', '.']) },
  { name: 'boundaries', next: '.dependency-cruiser.cjs says why each rule stands', run: boundaries },
  { name: 'generated files', next: 'npm run generate', run: checkGenerated },
];

let failed = 0;
for (const check of checks) {
  const started = performance.now();
  const problem = await check.run();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (problem === null) console.log(`✓ ${check.name} (${seconds} s)`);
  else {
    failed += 1;
    console.log(`✗ ${check.name} (${seconds} s)\n${problem.trim()}\n  next: ${check.next}`);
  }
}
console.log(`check: ${checks.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
