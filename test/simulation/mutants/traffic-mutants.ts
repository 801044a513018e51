import type { Mutant } from './mutant.ts';

/** Deliberate bugs of traffic and of what an agent does to it. */
export const TRAFFIC_MUTANTS: readonly Mutant[] = [
  {
    name: 'proof-before-skipped',
    bug: 'traffic goes to what never answered (row 21, AR#2507; INV-1)',
    file: 'agent/instructions/set-traffic.ts',
    find: 'if (proven < needs[side]) {',
    replace: 'if (proven < 0) {',
  },
  {
    name: 'readiness-taken-for-enough',
    bug: 'a stage goes on before its instances are proven (row 3, AR#2641)',
    file: 'agent/instructions/await-ready.ts',
    find: 'if (seen[what] >= wanted && seen.ready >= wanted)',
    replace: 'if (seen.instances.length >= wanted)',
  },
  {
    name: 'proof-after-not-refused',
    bug: 'a proof that failed is taken for one that was given (row 2)',
    file: 'agent/instructions/prove-traffic.ts',
    find: 'if (proof.ok) return done(',
    replace: 'if (proof !== null) return done(',
  },
  {
    name: 'still-named-ignored',
    bug: 'what routes name is taken down to nothing (row 21, PR 4560; INV-5)',
    file: 'agent/instructions/drain.ts',
    find: 'if (weight === 0) return null;',
    replace: 'if (weight >= 0) return null;',
  },
  {
    name: 'surge-before-ready',
    bug: 'rolling takes old instances down before new ones are up (row 7, AR#4347)',
    file: 'agent/instructions/roll-workload.ts',
    find: 'const newReady = Math.min(',
    replace: 'const newReady = Math.max(seen?.wanted ?? 0, 0) + 0 * Math.min(',
  },
  {
    name: 'weights-to-the-dead',
    bug: 'the shares of a stage forget the new side (row 21; INV-2)',
    file: 'engine/counts.ts',
    find: 'return { from: 100 - share, to: share };',
    replace: 'return { from: 99 - share, to: share };',
  },
  {
    name: 'stale-read-before-flip',
    bug: 'what was proven once is believed at the flip (row 21, AR#720; INV-1)',
    file: 'agent/instructions/set-traffic.ts',
    find: 'const seen = await context.ports.driver.observe(workloadKey(context, side, workload));',
    replace: `const cache = ((globalThis as { seenOnce?: Map<string, unknown> }).seenOnce ??= new Map()) as Map<string, Awaited<ReturnType<typeof context.ports.driver.observe>>>;
    const known = cache.get(version);
    const seen = known !== undefined && known.proven > 0 ? known : await context.ports.driver.observe(workloadKey(context, side, workload));
    cache.set(version, seen);`,
  },
  {
    name: 'one-proven-is-enough',
    bug: 'a share needs one proven instance, whatever its size (row 21, AR#2507; INV-1)',
    file: 'agent/instructions/set-traffic.ts',
    find: 'Math.max(1, Math.ceil((fullOf(spec, side, workload) * shares[side]) / 100))',
    replace: '1',
  },
  {
    name: 'old-must-be-healthy',
    bug: 'a stable version that is broken blocks its replacement (row 5, AR#4839; INV-7)',
    file: 'agent/instructions/set-traffic.ts',
    find: 'shares[side] <= (before?.weights[version] ?? 0)) continue;',
    replace: 'shares[side] === 0) continue;',
  },
  {
    name: 'weights-all-zero',
    bug: 'a route with no weight above zero is written (row 21; INV-2)',
    file: 'agent/instructions/set-traffic.ts',
    find: 'version !== null && weight > 0)',
    replace: 'version !== null && weight > 100)',
  },
  {
    name: 'more-than-planned',
    bug: 'a stage gives the new side more than its share (INV-10)',
    file: 'agent/instructions/set-traffic.ts',
    find: 'const shares = sharesOf(context.spec, workload, weights);',
    replace: `const planned = sharesOf(context.spec, workload, weights);
  const shares = planned.from > 1 && planned.to > 0 ? { from: planned.from - 1, to: planned.to + 1 } : planned;`,
  },
  {
    name: 'tested-instances-thrown-away',
    bug: 'what was proven is replaced by an untested copy (row 6, flagger#1898)',
    file: 'agent/instructions/set-traffic.ts',
    find: '  if (!flip.ok) return',
    replace: `  if (flip.ok && shares.to === 100) await context.ports.driver.restartWorkload(workloadKey(context, 'to', workload));
  if (!flip.ok) return`,
  },
  {
    name: 'lag-not-waited-out',
    bug: 'a version goes while a late data plane still leads to it (row 4, AR#4775; INV-3)',
    file: 'agent/instructions/wait-out-lag.ts',
    find: 'if (trafficRouter.lagMs > 0) await',
    replace: 'if (trafficRouter.lagMs < 0) await',
  },
  {
    name: 'named-removed',
    bug: 'what routes name is removed (row 4; INV-5)',
    file: 'agent/instructions/remove-workload.ts',
    find: 'if (weight > 0) {',
    replace: 'if (weight > 100) {',
  },
  {
    name: 'service-ends-under-traffic',
    bug: 'the entry leads to a service whose last instances go (INV-3)',
    file: 'agent/instructions/end-service.ts',
    find: 'if ((await trafficRouter.traffic(service)) !== undefined) {',
    replace: 'if ((await trafficRouter.traffic(service)) === null) {',
  },
  {
    name: 'drain-at-once',
    bug: 'a drain is done when it is asked for (row 8, AR#3761)',
    file: 'agent/instructions/drain.ts',
    find: 'if (seen.wanted <= wanted && present <= wanted && seen.retiring === 0)',
    replace: 'if (seen.wanted <= wanted)',
  },
  {
    name: 'roll-reads-once',
    bug: 'what somebody else wrote during the proof is not looked at before instances go (row 21; INV-5)',
    file: 'agent/instructions/roll-workload.ts',
    find: 'if (newReady > 0 && (await oldShare(context, roll)) >',
    replace: 'if (newReady < 0 && (await oldShare(context, roll)) >',
  },
];
