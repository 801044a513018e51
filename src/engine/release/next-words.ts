import { releaseCan } from './capabilities.ts';
import type { Draft } from './draft.ts';
import { hasEnded } from './state.ts';

/**
 * What a person can do about a failure in the state that the release is in now: only verbs that the capability
 * table allows there. Behind the advice of whoever saw the failure, where there is some.
 */
export function nextWords(draft: Draft): string {
  const advice = draft.status.failure?.advice ?? '';
  return [advice, stateWords(draft)].filter((words) => words !== '').join('; ');
}

function stateWords({ spec, status, input }: Draft): string {
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
  return can.retry.allowed ? `mend it and run: slipway retry ${input.name}, or ${back}` : back;
}
