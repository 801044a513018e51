/** From what Node says about a broken connection to the cause that the ledger books. Pure. */
import type { Failure, FailureCause } from './report.ts';

const BEFORE_THE_ANSWER: Readonly<Record<string, FailureCause>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
};

/** Why a request failed. `answering`: the head of the answer had arrived. */
export function failureOf(error: unknown, answering: boolean): Failure {
  const { code, message } = readError(error);
  const detail = code === undefined ? message : `${code}: ${message}`;
  if (code?.startsWith('HPE_')) return { cause: endsEarly(code) ? 'cut' : 'malformed', detail };
  if (answering) return { cause: code === 'ETIMEDOUT' ? 'timeout' : 'cut', detail };
  return { cause: (code === undefined ? undefined : BEFORE_THE_ANSWER[code]) ?? 'client', detail };
}

/** The parser's word for a connection that ended inside a message. */
function endsEarly(code: string): boolean {
  return code === 'HPE_INVALID_EOF_STATE';
}

function readError(error: unknown): { code: string | undefined; message: string } {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { code, message: error.message };
}
