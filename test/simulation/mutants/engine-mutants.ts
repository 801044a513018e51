import type { Mutant } from './mutant.ts';

/** Deliberate bugs of decisions: what a release and a track do next. */
export const ENGINE_MUTANTS: readonly Mutant[] = [
  {
    name: 'next-step-too-soon',
    bug: 'the next step is ordered while the last one runs (INV-15)',
    file: 'engine/release/decide.ts',
    find: "if (result.state === 'waiting') return false;",
    replace: "if (result.state === 'waiting' && draft.status.stage < 0) return false;",
  },
  {
    name: 'epoch-not-raised',
    bug: 'turning back keeps the epoch, so what was ordered before may still take effect (INV-20)',
    file: 'engine/release/draft.ts',
    find: 'status.epoch += 1;\n    status.backStages',
    replace: 'status.epoch += 0;\n    status.backStages',
  },
  {
    name: 'pause-never-expires',
    bug: 'a pause that nobody ends lasts for ever (row 14; INV-28)',
    file: 'engine/release/decide.ts',
    find: 'if (status.pause !== null) return expirePause(draft);',
    replace: 'if (status.pause !== null) return false;',
  },
  {
    name: 'two-at-once',
    bug: 'a second release begins while the first runs (row 17; INV-21)',
    file: 'engine/track/settle.ts',
    find: 'if (!hasEnded(status.phase)) return track;',
    replace: "if (!hasEnded(status.phase) && status.phase !== 'Progressing') return track;",
  },
  {
    name: 'warm-removed-early',
    bug: 'a warm revision goes while the release that may go back to it runs (row 15)',
    file: 'engine/track/work.ts',
    find: 'if (track.active !== null) return { track, effects: [], wakeAt: null };',
    replace: '',
  },
  {
    name: 'failed-work-left',
    bug: 'work outside releases that failed once is never tried again (INV-28)',
    file: 'engine/track/work.ts',
    find: 'if (failedAt === null || input.now < failedAt + RETRY_MS) return track;',
    replace: 'if (failedAt === null || input.now > 0) return track;',
  },
  {
    name: 'pause-counted-against-deadline',
    bug: 'the time of the release counts against its pause (row 14, AR#3534)',
    file: 'engine/release/draft.ts',
    find: 'expiresAt: new Date(this.input.now + expiresInMs).toISOString(),',
    replace:
      'expiresAt: new Date(Math.min(this.input.now, Date.parse(this.status.startedAt ?? this.now)) + expiresInMs).toISOString(),',
  },
  {
    name: 'abort-of-what-began-is-nothing',
    bug: 'abort leaves half of a release standing (row 21, AR#1292; INV-9)',
    file: 'engine/release/draft.ts',
    find: 'return this.status.stages.some((stage) => stage.execution !== null);',
    replace: 'return this.status.stages.length < 0;',
  },
  {
    name: 'gates-not-asked',
    bug: 'a stage goes on without its gates (row 12)',
    file: 'engine/release/gate-step.ts',
    find: `if (gates.length === 0) return { state: 'passed' };`,
    replace: `if (gates.length === 0 || when === 'after') return { state: 'passed' };`,
  },
  {
    name: 'no-verdict-is-a-pass',
    bug: 'a gate whose execution failed is taken for passed (row 12, AR#3562)',
    file: 'engine/release/gate-step.ts',
    find: `if (verdict === 'pass' || verdict === 'skipped') continue;`,
    replace: `if (verdict === 'pass' || verdict === 'skipped' || verdict === 'inconclusive') continue;`,
  },
  {
    name: 'hold-ignored',
    bug: 'an automatic release undoes a manual rollback (row 17, AR#1372)',
    file: 'engine/track/automatic.ts',
    find: "if (!auto || deleting || track.hold !== null || !wanted.ok) return 'off';",
    replace: "if (!auto || deleting || !wanted.ok) return 'off';",
  },
  {
    name: 'rollback-to-collected',
    bug: 'a rollback to a revision that was collected goes to another one (row 16)',
    file: 'engine/track/verbs.ts',
    find: '? there.find((name) => name === to ||',
    replace: '? there.find((name) => !there.some((each) => each.endsWith(String(to))) || name === to ||',
  },
  {
    name: 'live-before-success',
    bug: 'a release that was turned back is taken for the live one (row 21)',
    file: 'engine/track/settle.ts',
    find: `  if (status.phase === 'Succeeded') {
    const retention`,
    replace: `  if (status.phase === 'Succeeded' || status.phase === 'RolledBack') {
    const retention`,
  },
  {
    name: 'warm-never-retired',
    bug: 'a warm revision is kept for ever (row 15)',
    file: 'engine/track/work.ts',
    find: 'Date.parse(w.expiresAt) <= input.now);',
    replace: 'Date.parse(w.expiresAt) <= 0);',
  },
  {
    name: 'failed-way-back-left',
    bug: 'after a way back that failed nobody restores what is live (row 21; INV-28)',
    file: 'engine/track/settle.ts',
    find: 'return { ...freed, applied: null, warm:',
    replace: 'return { ...freed, warm:',
  },
  {
    name: 'track-epoch-not-raised',
    bug: 'work outside releases keeps its epoch (INV-12)',
    file: 'engine/track/work.ts',
    find: 'const epoch = track.epoch + 1;',
    replace: 'const epoch = Math.max(1, track.epoch);',
  },
  {
    name: 'superseded-goes-on',
    bug: 'a release that was superseded goes on (row 17, AR#4975; INV-28)',
    file: 'engine/release/decide.ts',
    find: `if (input.supersededBy !== null && !hasEnded(status.phase) && status.direction === 'forward') {`,
    replace: `if (input.supersededBy === '' && !hasEnded(status.phase) && status.direction === 'forward') {`,
  },
];
