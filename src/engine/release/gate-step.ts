import { durationMs } from '../../api/duration.ts';
import type { GateVerdict } from '../../api/execution.ts';
import { type Gate, gateKind } from '../../api/gate.ts';
import type { Instruction, Stage } from '../../api/plan.ts';
import { getsTraffic } from '../strategies/stage-instructions.ts';
import type { Draft, Failure } from './draft.ts';
import { executionName, gateRunName } from './input.ts';
import { hasEnded } from './state.ts';

export type GateStepResult =
  | { readonly state: 'passed' }
  | { readonly state: 'waiting'; readonly gates: readonly Gate[] }
  | { readonly state: 'failed'; readonly failure: Failure }
  | {
      readonly state: 'rejected';
      readonly failure: Failure;
      readonly by: string;
      readonly why: string | null;
    }
  /** Nobody knows what a command did: a person decides (INV-14). */
  | { readonly state: 'unknown'; readonly gate: Gate }
  | { readonly state: 'expired'; readonly gate: Gate };

const runsAtAgent = (gate: Gate): boolean => gateKind(gate) === 'http' || gateKind(gate) === 'command';

/**
 * Asks all gates of one side of a stage at once. Only positive evidence passes: a verdict that is neither
 * pass nor skipped never lets the release go on (peers.md row 12).
 */
export function runGateStep(draft: Draft, stage: Stage, when: 'before' | 'after'): GateStepResult {
  const gates = when === 'before' ? stage.gatesBefore : stage.gatesAfter;
  if (gates.length === 0) return { state: 'passed' };
  begin(draft, stage, gates, when);
  const waiting: Gate[] = [];
  for (const gate of gates) {
    const { verdict, message } = verdictOf(draft, gate);
    if (verdict === 'pass' || verdict === 'skipped') continue;
    if (verdict === null) waiting.push(gate);
    else if (verdict === 'unknown') return { state: 'unknown', gate };
    else {
      const decided = draft.status.verdicts[draft.status.gateRuns[gate.name] ?? ''];
      if (decided === undefined)
        return { state: 'failed', failure: gateFailure(draft, gate, verdict, message) };
      const { by, why } = decided;
      return { state: 'rejected', failure: rejection(draft, gate, by, why), by, why };
    }
  }
  if (waiting.length === 0) return { state: 'passed' };
  for (const gate of waiting) {
    if (gate.approval === undefined) continue;
    const expiresAt = Date.parse(draft.status.stepSince) + durationMs(gate.approval.expires);
    if (draft.input.now >= expiresAt) return { state: 'expired', gate };
    draft.wake(expiresAt);
  }
  return { state: 'waiting', gates: waiting };
}

/** Makes what is missing of GateRuns and of the execution that asks the agent's gates. */
function begin(draft: Draft, stage: Stage, gates: readonly Gate[], when: 'before' | 'after'): void {
  const { status, input, spec } = draft;
  if (Object.keys(status.gateRuns).length === 0) {
    status.sequence += 1;
    for (const gate of gates)
      status.gateRuns[gate.name] = gateRunName(input.name, status.epoch, status.sequence, gate.name);
    if (gates.some(runsAtAgent))
      status.execution = executionName(input.name, status.epoch, status.sequence, '', []);
  }
  for (const gate of gates) {
    const name = status.gateRuns[gate.name];
    if (name !== undefined && input.gateRuns[name] === undefined) {
      draft.effects.push({
        type: 'createGateRun',
        name,
        gate,
        stage: stage.number,
        when,
        epoch: status.epoch,
      });
    }
  }
  if (status.execution === null) return;
  const instructions = gates.filter(runsAtAgent).map((gate): Instruction => {
    const routed = spec.workloads.find(getsTraffic)?.name ?? null;
    return {
      id: `gate/${gate.name}`,
      needs: [],
      type: 'runGate',
      gate,
      gateRun: status.gateRuns[gate.name] ?? '',
      side: 'to',
      workload: routed,
    };
  });
  // One vantage point is enough for a question about the version itself: the first cluster's agent asks.
  const cluster = spec.clusters[0];
  if (cluster !== undefined && input.executions[status.execution] === undefined) {
    draft.effects.push({
      type: 'createExecution',
      name: status.execution,
      cluster,
      epoch: status.epoch,
      sequence: status.sequence,
      stage: stage.number,
      instructions,
      routes: draft.routes,
    });
  }
}

/** What is known of one gate: a person's or the clock's word first, then the agent's. */
function verdictOf(draft: Draft, gate: Gate): { verdict: GateVerdict | null; message: string } {
  const { status, input } = draft;
  const name = status.gateRuns[gate.name] ?? '';
  const decided = status.verdicts[name];
  if (decided !== undefined) return { verdict: decided.verdict as GateVerdict, message: decided.why ?? '' };
  if (gate.soak !== undefined) {
    const until = Date.parse(status.stepSince) + durationMs(gate.soak.duration);
    if (input.now < until) {
      draft.wake(until);
      return { verdict: null, message: '' };
    }
    status.verdicts[name] = {
      verdict: 'pass',
      by: 'clock',
      why: `${gate.soak.duration} without a failure`,
      at: draft.now,
    };
    return { verdict: 'pass', message: '' };
  }
  const run = input.gateRuns[name];
  if (run?.state === 'done') return { verdict: run.verdict ?? 'inconclusive', message: run.message };
  // An execution that ended without the gate's verdict is no evidence.
  const execution = status.execution === null ? undefined : input.executions[status.execution];
  if (
    runsAtAgent(gate) &&
    execution !== undefined &&
    ['Failed', 'Refused', 'Cancelled'].includes(execution.phase)
  ) {
    return {
      verdict: 'inconclusive',
      message: execution.failure?.message ?? `its execution was ${execution.phase.toLowerCase()}`,
    };
  }
  return { verdict: null, message: '' };
}

/**
 * Writes the end of GateRuns that no agent will write: those that a person or the clock decided, and those that
 * the release has left behind. Repeated until each says so, whatever was lost between saving and acting.
 */
export function finishGateRuns({ status, input, effects }: Draft): void {
  const asked = hasEnded(status.phase) ? [] : Object.values(status.gateRuns);
  const open = Object.keys(input.gateRuns).filter((name) => input.gateRuns[name]?.state !== 'done');
  // One that is made only now, since the store was away: it may have been decided meanwhile.
  const made = effects.flatMap((effect) => (effect.type === 'createGateRun' ? effect.name : []));
  for (const name of [...open, ...made]) {
    const decided = status.verdicts[name];
    if (decided === undefined && asked.includes(name)) continue;
    const { verdict, by, why } = decided ?? { verdict: 'inconclusive', by: 'slipway', why: null };
    const message = decided === undefined ? `not answered: ${wayOf(status)}` : by === 'clock' ? why : null;
    effects.push({
      type: 'finishGateRun',
      name,
      verdict: verdict as GateVerdict,
      message: message ?? `${verdict} by ${by}`,
      by,
      why: by === 'clock' ? null : why,
    });
  }
}

/** What became of a release that did not wait for an answer. */
function wayOf({ turn }: Draft['status']): string {
  switch (turn?.cause) {
    case 'abort':
      return `the release was aborted by ${turn.by}`;
    case 'rollback':
      return `the release was turned back by ${turn.by}`;
    case 'superseded':
      return 'a newer release superseded it';
    case 'failure':
      return 'the release turned back';
    default:
      return 'it was asked again';
  }
}

const affectedUsers = ({ status, spec }: Draft): string =>
  status.flipped
    ? `some users are on ${spec.to}`
    : `users are not affected: ${spec.from ?? 'nothing'} serves`;

function rejection(draft: Draft, gate: Gate, by: string, why: string | null): Failure {
  return {
    reason: 'gateRejected',
    message: `${gate.name} was rejected by ${by}${why === null || why.trim() === '' ? ', who gave no reason' : `: ${why}`}`,
    affects: affectedUsers(draft),
    advice: '',
  };
}

function gateFailure(draft: Draft, gate: Gate, verdict: GateVerdict, message: string): Failure {
  const { name } = draft.input;
  return {
    reason: verdict === 'fail' ? 'gateFailed' : 'gateInconclusive',
    message: `gate ${gate.name} ${verdict === 'fail' ? 'failed' : 'was inconclusive'}${message === '' ? '' : `: ${message}`}`,
    affects: affectedUsers(draft),
    advice: `slipway describe release ${name}`,
  };
}
