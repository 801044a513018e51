import type { Mutant } from './mutant.ts';

/** Deliberate bugs of plans: in which order things are done. */
export const PLAN_MUTANTS: readonly Mutant[] = [
  {
    name: 'scale-down-before-proof',
    bug: 'the old side shrinks as soon as the route is written (INV-5)',
    file: 'engine/strategies/stage.ts',
    find: 'const shrinkAfter = proven.length > 0 ? proven : grown;',
    replace: 'const shrinkAfter = grown;',
  },
  {
    name: 'way-back-drains-first',
    bug: 'abort removes the new side before the old one has its users again (row 21, AR#2119)',
    file: 'engine/strategies/turn-back.ts',
    find: 'if (restore.instructions.length > 0) {',
    replace: 'if (restore.instructions.length < 0) {',
  },
  {
    name: 'way-back-at-zero',
    bug: 'abort scales the old side to zero (row 21, AR#2119, #1292)',
    file: 'engine/strategies/turn-back.ts',
    find: `    const ensured = restore.add(\`\${w.name}/ensure-old\`, [], {
      type: 'ensureWorkload',
      side: 'from',
      workload: w.name,
      replicas: FULL,`,
    replace: `    const ensured = restore.add(\`\${w.name}/ensure-old\`, [], {
      type: 'ensureWorkload',
      side: 'from',
      workload: w.name,
      replicas: ZERO,`,
  },
  {
    name: 'old-side-shrinks-at-once',
    bug: 'the stable side shrinks before the new one is there (row 7, AR#4347; INV-5)',
    file: 'engine/strategies/stage.ts',
    find: '.flatMap(({ workload, move }) => addDeparture(builder, step, workload, move, shrinkAfter, suffix));',
    replace: '.flatMap(({ workload, move }) => addDeparture(builder, step, workload, move, needs, suffix));',
  },
  {
    name: 'migration-not-awaited',
    bug: 'instances start before the schema that they need is there (INV-25)',
    file: 'engine/strategies/stage.ts',
    find: 'let barrier: readonly string[] = jobs;',
    replace: 'let barrier: readonly string[] = [];',
  },
  {
    name: 'flip-before-growth',
    bug: 'traffic moves before the new side has grown (row 3, AR#2641; INV-1)',
    file: 'engine/strategies/stage.ts',
    find: 'move.weights === null ? [] : addFlip(builder, workload, move.weights, grown, suffix),',
    replace: 'move.weights === null ? [] : addFlip(builder, workload, move.weights, start, suffix),',
  },
  {
    name: 'way-back-without-proof',
    bug: 'abort takes the new side away before the old one is shown to answer (row 21, AR#2119; INV-5)',
    file: 'engine/strategies/turn-back.ts',
    find: `    restore.add(\`\${w.name}/prove-after\`, [set], {`,
    replace: `    if (set === '') restore.add(\`\${w.name}/prove-after\`, [set], {`,
  },
  {
    name: 'protection-not-asked',
    bug: 'a protected environment takes a release that nobody approved (row 19, tekton#233; INV-26)',
    file: 'engine/track/plan-claim.ts',
    find: 'const protection = isBack ? undefined : input',
    replace: 'const protection = isBack || track.live !== null ? undefined : input',
  },
  {
    name: 'rollback-forgets-content',
    bug: 'a rollback takes what is deployed today under the old name (row 16, AR#1297; INV-6)',
    file: 'engine/track/plan-claim.ts',
    find: '  const known = Object.entries(input.revisions).find(([, spec]) => spec.digest === wanted.digest);',
    replace: `  const known = Object.entries(input.revisions).find(([, spec]) => spec.digest === '');`,
  },
];
