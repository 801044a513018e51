import type { Mutant } from './mutant.ts';

/** Deliberate bugs of the manager: store, watches, dispatch and retention. */
export const MANAGER_MUTANTS: readonly Mutant[] = [
  {
    name: 'report-acknowledged-before-stored',
    bug: 'the manager says that it has a report and then stores it (INV-13)',
    file: 'execution/status-writer.ts',
    find: '      pending.acknowledge = acknowledge;',
    replace: '      pending.acknowledge = acknowledge; acknowledge(report.number);',
  },
  {
    name: 'final-state-written-over',
    bug: 'a late report changes what has ended (row 21, AR#720)',
    file: 'execution/status-writer.ts',
    find: 'if (!isFinalPhase(before.phase)) {',
    replace: "if (before.phase !== ('' as string)) {",
  },
  {
    name: 'lost-wake-up',
    bug: 'what changes while a reconcile runs is not looked at again (row 19, zombies; INV-28)',
    file: 'controllers/work-queue.ts',
    find: '      this.again.add(key);\n      return;',
    replace: '      return;',
  },
  {
    name: 'watch-not-begun-again',
    bug: 'a watch that was compacted away is not begun again (INV-28)',
    file: 'controllers/follow.ts',
    find: "        if (!isSlipwayError(error, 'gone'))",
    replace:
      "        if (isSlipwayError(error, 'gone')) return;\n        if (!isSlipwayError(error, 'gone'))",
  },
  {
    name: 'order-not-repeated',
    bug: 'an order that was lost with its connection is never sent again (row 19)',
    file: 'execution/agent-connection.ts',
    find: '  readonly sent = new Set<string>();',
    replace: '  readonly sent = ((globalThis as { sentOnce?: Set<string> }).sentOnce ??= new Set<string>());',
  },
  {
    name: 'conflict-overwritten',
    bug: 'a stale read decides, and its write is not refused (row 21, AR#720)',
    file: 'store/mutation.ts',
    find: 'if (expected.resourceVersion !== undefined && expected.resourceVersion !== resourceVersion) {',
    replace: "if (expected.resourceVersion !== undefined && resourceVersion === 'never') {",
  },
  {
    name: 'old-leader-goes-on',
    bug: 'who was replaced writes over what its successor decided (row 21, AR#2117)',
    file: 'controllers/release-controller.ts',
    find: 'const saved = await context.store.updateStatus<Release>({ ...release, status });',
    replace: `const fresh = await context.store.get<Release>({ kind: 'Release', namespace: release.metadata.namespace, name: release.metadata.name });
  const saved = await context.store.updateStatus<Release>({ ...release, metadata: { ...release.metadata, resourceVersion: fresh?.metadata.resourceVersion ?? '' }, status });`,
  },
  {
    name: 'effect-before-intent',
    bug: 'orders are made before the decision is saved (INV-13)',
    file: 'controllers/release-controller.ts',
    find: `  const wordsAt = await save(context, release, input, decision);
  for (const effect of decision.effects) await carryOut(context, release, namespace, effect);`,
    replace: `  for (const effect of decision.effects) await carryOut(context, release, namespace, effect);
  const wordsAt = await save(context, release, input, decision);`,
  },
  {
    name: 'order-not-looked-at',
    bug: 'an order is sent without a look at what was committed meanwhile (INV-20)',
    file: 'execution/dispatcher.ts',
    find: 'if (newest <= spec.epoch) {',
    replace: 'if (newest <= Number.POSITIVE_INFINITY) {',
  },
  {
    name: 'step-sent-early',
    bug: 'a step is sent before the one before it has ended (INV-15)',
    file: 'engine/release/instruction-step.ts',
    find: `if (!outcomes.every(({ isDone }) => isDone)) return { state: 'waiting' };`,
    replace: `if (!outcomes.every(({ isDone, execution }) => isDone || execution?.phase === 'Running')) return { state: 'waiting' };`,
  },
  {
    name: 'other-version-ordered',
    bug: 'an agent of another version is sent orders (row 11; INV-16)',
    file: 'execution/dispatcher.ts',
    find: 'if (connection === undefined || connection.hello?.version !== this.#options.version) return;',
    replace: 'if (connection === undefined) return;',
  },
  {
    name: 'watch-from-now',
    bug: 'what happens between the list and the watch is missed (row 19; INV-28)',
    file: 'controllers/follow.ts',
    find: '{ since: resourceVersion, signal: options.signal }',
    replace: '{ signal: options.signal }',
  },
  {
    name: 'command-never-answered',
    bug: 'who gave a verb is never told what became of it (INV-28)',
    file: 'controllers/release-controller.ts',
    find: `    if (command !== undefined)
      await answerCommand(`,
    replace: `    if (command !== undefined && command.spec.verb !== 'pause')
      await answerCommand(`,
  },
  {
    name: 'retry-given-up',
    bug: 'a reconcile that failed is not tried again (row 19, zombies; INV-28)',
    file: 'controllers/work-queue.ts',
    find: `      this.addAt(key, this.clock.now() + delay);
    } finally`,
    replace: `      if (delay < 0) this.addAt(key, this.clock.now() + delay);
    } finally`,
  },
  {
    name: 'live-revision-collected',
    bug: 'the revision that serves is collected (row 16, AR#2669; INV-24)',
    file: 'store/retention.ts',
    find: 'const standing = [live, ...back,',
    replace: 'const standing = [...back,',
  },
  {
    name: 'way-back-collected',
    bug: 'the revision that a rollback goes to is collected (rows 15 and 16; INV-24)',
    file: 'store/retention.ts',
    find: 'const standing = [live, ...back,',
    replace: 'const standing = [live,',
  },
  {
    name: 'artifact-collected',
    bug: 'the artifact of what serves is collected (row 16, kubernetes#22368; INV-24)',
    file: 'store/retention.ts',
    find: 'for (const object of [...input.revisions, ...running, ...input.naming] as readonly Stored[]) {',
    replace: 'for (const object of [...running, ...input.naming] as readonly Stored[]) {',
  },
];
