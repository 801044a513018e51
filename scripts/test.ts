/**
 * `npm test`: everything that a bare machine can run, and one line for each group that this machine lacks the
 * kit for. Arguments go to vitest: `npm test -- src/engine`.
 */
import { spawnSync } from 'node:child_process';
import { run } from './run.ts';

const lacks = (command: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status !== 0;

/** Groups that need more than Node, with what they need; the tests themselves skip by the same question. */
const KITS: readonly { readonly group: string; readonly command: string; readonly install: string }[] = [
  { group: 'power-cut trace of the store', command: 'strace', install: 'apt-get install strace' },
  { group: 'injected fsync failures', command: 'gcc', install: 'apt-get install gcc' },
];

for (const { group, command, install } of KITS) {
  if (lacks(command)) console.log(`skipped: ${group} (no ${command} here; ${install})`);
}

const { code } = await run([
  'vitest',
  'run',
  '--project',
  'unit',
  '--project',
  'integration',
  ...process.argv.slice(2),
]);
process.exitCode = code;
