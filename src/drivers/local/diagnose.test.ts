import { describe, expect, it } from 'vitest';
import { diagnose } from './diagnose.ts';
import type { ProbeOutcome } from './readiness.ts';

const exit = { how: 'was ended by SIGTERM', code: null };
const timedOut = (outcome: ProbeOutcome | null, sinceMs = 4_200) => ({
  id: 'shop-r2-abcde',
  spec: { command: ['node', 'server.js'], port: { env: 'PORT' } },
  ageMs: 5_000,
  startTimedOut: { after: '5s', lastProbe: outcome === null ? null : { outcome, sinceMs } },
});
const no = (message: string, reached: boolean): ProbeOutcome => ({
  ok: false,
  ours: false,
  message,
  reached,
});

describe('an instance that did not get ready in time', () => {
  it.each<[name: string, seen: ProbeOutcome | null, says: string]>([
    [
      'that answered its probe says what and for how long',
      no('GET /healthz answered 503, not 200', true),
      'last probe: GET /healthz answered 503, not 200, for 4.2 s)',
    ],
    [
      'that nobody could reach hints at the port',
      no('nothing listens on 127.0.0.1:4711', false),
      'last probe: nothing listens on 127.0.0.1:4711; it must listen on the port that PORT names)',
    ],
    [
      'that was not probed hints at the port',
      null,
      'last probe: none was made; it must listen on the port that PORT names)',
    ],
  ])('%s', (_name, seen, says) => {
    const { reason, message } = diagnose(exit, timedOut(seen));
    expect(reason).toBe('startTimeout');
    expect(message).toBe(`shop-r2-abcde was not ready 5s after its start (${says}`);
  });
});
