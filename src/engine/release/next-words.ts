import { releaseCan } from './capabilities.ts';
import type { Draft } from './draft.ts';
import { hasEnded } from './state.ts';

/** The command that passes the gate at which the release stopped; null where it is no gate. */
export function openGate({ status, input }: Draft): string | null {
  if (status.failure?.reason.startsWith('gate') !== true) return null;
  const name = Object.entries(status.gateRuns).find(([, run]) => {
    const verdict = status.verdicts[run]?.verdict ?? input.gateRuns[run]?.verdict;
    return verdict !== 'pass' && verdict !== 'skipped';
  })?.[0];
  return name === undefined ? null : `slipway skip ${input.name} --gate ${name} --why "…"`;
}

/**
 * What a person can do about a failure in the state that the release is in now: only verbs that the capability
 * table allows there. Behind the advice of whoever saw the failure, where there is some.
 */
export function nextWords(draft: Draft): string {
  const advice = draft.status.failure?.advice ?? '';
  return [advice, stateWords(draft)].filter((words) => words !== '').join('; ');
}

/** Whom it hurts: as it was seen, until everybody has been brought back. */
export function affectsWords({ status, spec }: Draft): string {
  const before = status.failure?.affects ?? '';
  const isBack = hasEnded(status.phase) && status.direction === 'back' && status.phase !== 'Failed';
  if (!isBack || !status.flipped) return before;
  return spec.from === null ? 'nothing serves, as before' : `all users are on ${spec.from} again`;
}

function stateWords(draft: Draft): string {
  const { spec, status, input } = draft;
  const can = releaseCan(spec, status);
  const again = `the same revision again: slipway retry ${input.name}, or a changed one: slipway release ${spec.application} -e ${spec.environment}`;
  if (hasEnded(status.phase)) {
    if (!can.retry.allowed) return '';
    if (status.phase !== 'Failed' || spec.from === null) return again;
    return `${spec.from} is brought back by itself: slipway why ${spec.application} -e ${spec.environment}; then ${again}`;
  }
  if (status.direction === 'back') return `it turns back by itself; then ${again}`;
  const back = `go back: slipway abort ${input.name}`;
  // Its advice is the verb that settles it.
  if (status.failure?.reason === 'gateUnknown') return `or ${back}`;
  const skip = openGate(draft);
  const pass = skip === null ? '' : `, pass it by your word: ${skip}`;
  return can.retry.allowed ? `mend it and run: slipway retry ${input.name}${pass}, or ${back}` : back;
}
