import type { OwnAnswer } from './http/own-answer.ts';
import type { FailureCause } from './table.ts';

/** What a client is told when its request failed before any byte of an answer went out. */
export const FAILURE_ANSWERS: Readonly<Record<FailureCause, OwnAnswer>> = {
  refused: { status: 502, text: 'no instance of this version accepts connections' },
  reset: { status: 502, text: 'the instance ended the connection without an answer' },
  cut: { status: 502, text: 'the instance ended the connection within its answer' },
  noBackend: { status: 503, text: 'no instance serves' },
  timeout: { status: 504, text: 'the instance did not answer in time' },
};
