import { describe, expect, it } from 'vitest';
import { failureOf } from './causes.ts';

const error = (code: string) => Object.assign(new Error('broken'), { code });

describe('failureOf', () => {
  const rows: ReadonlyArray<[name: string, error: unknown, answering: boolean, cause: string]> = [
    ['nobody listens', error('ECONNREFUSED'), false, 'refused'],
    ['reset before the answer', error('ECONNRESET'), false, 'reset'],
    ['reset while sending', error('EPIPE'), false, 'reset'],
    ['reset inside the answer', error('ECONNRESET'), true, 'cut'],
    ['the network gave up', error('ETIMEDOUT'), false, 'timeout'],
    ['not HTTP', error('HPE_INVALID_CONSTANT'), false, 'malformed'],
    ['broken chunks', error('HPE_INVALID_CHUNK_SIZE'), true, 'malformed'],
    ['the end inside a message', error('HPE_INVALID_EOF_STATE'), true, 'cut'],
    ['no ports left on this side', error('EADDRNOTAVAIL'), false, 'client'],
    ['something without a code', new Error('what'), false, 'client'],
    ['something without a code in the answer', 'what', true, 'cut'],
  ];
  it.each(rows)('%s', (_name, thrown, answering, cause) =>
    expect(failureOf(thrown, answering).cause).toBe(cause),
  );
});
