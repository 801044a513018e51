import type { Mutant } from './mutant.ts';

/** Deliberate bugs of the agent: orders, journal, gates and jobs. */
export const AGENT_MUTANTS: readonly Mutant[] = [
  {
    name: 'epoch-ignored',
    bug: 'the agent takes an order of an older epoch (row 19; INV-12)',
    file: 'agent/fence.ts',
    find: 'if (order.epoch < highest.epoch) {',
    replace: 'if (order.epoch < 0) {',
  },
  {
    name: 'accepted-before-durable',
    bug: 'an order is acknowledged before the journal has it (INV-13)',
    file: 'agent/desk.ts',
    find: 'const acceptedAt = instant(ports.clock.now());',
    replace:
      "const acceptedAt = instant(ports.clock.now()); send({ type: 'accepted', execution, namespace, epoch: spec.epoch, sequence: spec.sequence });",
  },
  {
    name: 'result-before-durable',
    bug: 'an end is reported before the journal has it (INV-13)',
    file: 'agent/held-run.ts',
    find: 'await this.#write(withTraffic, gateRuns);',
    replace: 'void this.#write(withTraffic, gateRuns).catch(() => {});',
  },
  {
    name: 'final-report-not-repeated',
    bug: 'a final report that is lost with its connection is never said again (row 19)',
    file: 'agent/reporter.ts',
    find: 'if (this.#owed) this.now();',
    replace: 'if (this.#sent < 0) this.now();',
  },
  {
    name: 'lease-ignored',
    bug: 'an agent that is cut off begins new things (INV-23)',
    file: 'agent/lease.ts',
    find: 'while (!this.holds) {',
    replace: 'while (this.#leaseMs === -1) {',
  },
  {
    name: 'job-run-again',
    bug: 'a migration whose end nobody saw runs again by itself (INV-14)',
    file: 'agent/instructions/run-job.ts',
    find: 'if (noted === undefined) {',
    replace: 'if (noted !== null) {',
  },
  {
    name: 'torn-journal-line-kept',
    bug: 'half a line of the journal is taken for a line (INV-13)',
    file: 'agent/journal.ts',
    find: 'return new Journal(options, state, end, end !== content.length || number === 0);',
    replace: 'return new Journal(options, state, end, number === 0);',
  },
  {
    name: 'deadline-never',
    bug: 'what makes no progress is waited for without end (row 13; INV-28)',
    file: 'agent/wait-until.ts',
    find: 'if (leftMs <= 0) {',
    replace: 'if (leftMs <= Number.NEGATIVE_INFINITY) {',
  },
  {
    name: 'older-not-awaited',
    bug: 'a newer order starts while the one that it overtakes still acts (INV-20)',
    file: 'agent/desk.ts',
    find: 'this.#background(older.then(() => run.start()));',
    replace: 'this.#background(older); run.start();',
  },
  {
    name: 'inconclusive-gate-passes',
    bug: 'no evidence is taken for good evidence (row 12, AR#3562)',
    file: 'gates/run-gate.ts',
    find: "passes = answer.verdict === 'pass' ? passes + 1 : 0;",
    replace: "passes = answer.verdict !== 'fail' ? passes + 1 : 0;",
  },
  {
    name: 'order-taken-twice',
    bug: 'an order that comes twice is carried out twice (row 19; INV-14)',
    file: 'agent/fence.ts',
    find: `return { kind: 'repeat' };`,
    replace: `return { kind: 'new' };`,
  },
  {
    name: 'command-run-again',
    bug: 'a command whose end nobody saw runs again by itself (row 19; INV-14)',
    file: 'agent/instructions/run-gate.ts',
    find: `let unknown = context.noted === 'asking' && !command.idempotent;`,
    replace: `let unknown = context.noted === 'never' && !command.idempotent;`,
  },
  {
    name: 'command-not-noted',
    bug: 'a command is begun before the journal says so (INV-13, INV-14)',
    file: 'agent/instructions/run-gate.ts',
    find: `if (!command.idempotent) await context.note('asking');`,
    replace: `if (command.idempotent) await context.note('asking');`,
  },
  {
    name: 'timeout-taken-for-failure',
    bug: 'a command that its timeout ended is asked again (INV-14)',
    file: 'gates/command-gate.ts',
    find: `const ended = gate.idempotent ? 'inconclusive' : 'unknown';`,
    replace: `const ended = 'inconclusive';`,
  },
  {
    name: 'journal-replayed-twice',
    bug: 'after a restart what is done is done again (row 19; INV-14)',
    file: 'agent/execution-record.ts',
    find: `    this.#status = status;
    this.#gateRuns`,
    replace: `    this.#status = { ...status, instructions: status.instructions.map((each) => ({ ...each, state: 'pending' as const })) };
    this.#gateRuns`,
  },
  {
    name: 'step-overtakes',
    bug: 'a step is taken while the one before it runs (INV-15)',
    file: 'agent/fence.ts',
    find: '  if (before !== undefined) {',
    replace: '  if (before === null) {',
  },
  {
    name: 'older-goes-on',
    bug: 'what a newer epoch overtakes goes on beside it (row 21, AR#2117; INV-20)',
    file: 'agent/desk.ts',
    find: 'record.spec.subject === subject && !isFinal(record.status) && overtakes(newer, identityOf(record)),',
    replace:
      'record.spec.subject === subject && !isFinal(record.status) && overtakes(newer, identityOf(record)) && newer.epoch < 0,',
  },
  {
    name: 'unknown-side-is-default',
    bug: 'a word that is not known is taken for the usual one (INV-19)',
    file: 'api/plan.ts',
    find: `export const Side = z.enum(['from', 'to']);`,
    replace: `export const Side = z.enum(['from', 'to']).catch('to');`,
  },
  {
    name: 'smoke-test-asks-the-old',
    bug: 'the smoke test asks the version that serves (row 3, AR#2488)',
    file: 'agent/instructions/run-gate.ts',
    find: 'versionOf(spec, side, service);',
    replace: `versionOf(spec, spec.from === null ? 'to' : 'from', service);`,
  },
  {
    name: 'dropped-while-owed',
    bug: 'what the manager has not acknowledged is forgotten (INV-13)',
    file: 'agent/journal-entries.ts',
    find: 'if (record.spec.subject === entry.subject && record.acknowledged)',
    replace: 'if (record.spec.subject === entry.subject)',
  },
];
