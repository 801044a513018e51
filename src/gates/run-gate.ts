import type { GateRunStatus, GateVerdict } from '../api/execution.ts';
import type { Gate } from '../api/gate.ts';
import { anySignal } from '../lib/any-signal.ts';
import { type Clock, instant } from '../lib/clock.ts';
import { durationMs, formatDuration } from '../lib/durations.ts';
import { messageOf } from '../lib/errors.ts';

/** What one asking gave. `unknown`: something that must not be repeated may have happened. */
export interface Answer {
  readonly verdict: Exclude<GateVerdict, 'skipped'>;
  readonly message: string;
}

/** One asking; may reject (then it is inconclusive) and should stop when the signal is aborted. */
export type Ask = (timeoutMs: number, signal: AbortSignal) => Promise<Answer>;

export interface GateRunOptions {
  readonly gate: Gate;
  readonly ask: Ask;
  readonly clock: Clock;
  /** Ends the asking; the run then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  readonly startedAt: string;
  onStatus(status: GateRunStatus): void;
}

/** Samples that are kept, newest last. */
const KEPT_SAMPLES = 20;
/** Beyond its own timeout an asking gets this long to end by itself. */
const GRACE_MS = 250;

/**
 * Asks until `successes` answers in a row are a pass, or `failureLimit` askings failed. Only positive
 * evidence passes: an error, no answer or no data is a failed asking, and when the one that reached the
 * limit was such, the gate ends inconclusive.
 */
export async function runGate(options: GateRunOptions): Promise<GateRunStatus> {
  const { gate, clock, signal } = options;
  const intervalMs = durationMs(gate.interval);
  let status: GateRunStatus = {
    state: 'running',
    verdict: null,
    message: 'asking',
    startedAt: options.startedAt,
    endedAt: null,
    samples: [],
    by: null,
    why: null,
  };
  let passes = 0;
  let failures = 0;
  options.onStatus(status);
  for (;;) {
    signal.throwIfAborted();
    const began = clock.monotonic();
    const at = instant(clock.now());
    const answer = await askOnce(options);
    const ms = Math.round(clock.monotonic() - began);
    passes = answer.verdict === 'pass' ? passes + 1 : 0;
    failures += answer.verdict === 'pass' ? 0 : 1;
    const verdict = decide(answer.verdict, { passes, failures }, gate);
    status = {
      ...status,
      state: verdict === null ? 'running' : 'done',
      verdict,
      message: describe(answer.message, ms, { passes, failures }, gate, verdict),
      endedAt: verdict === null ? null : instant(clock.now()),
      samples: [...status.samples, { at, verdict: answer.verdict, message: answer.message, ms }].slice(
        -KEPT_SAMPLES,
      ),
    };
    options.onStatus(status);
    if (verdict !== null) return status;
    await clock.sleep(intervalMs, signal);
  }
}

/** Null: ask again. */
function decide(
  latest: Answer['verdict'],
  seen: { passes: number; failures: number },
  gate: Gate,
): GateVerdict | null {
  if (latest === 'unknown') return 'unknown';
  if (seen.passes >= gate.successes) return 'pass';
  if (seen.failures < gate.failureLimit) return null;
  return latest === 'inconclusive' ? 'inconclusive' : 'fail';
}

async function askOnce({ gate, ask, clock, signal }: GateRunOptions): Promise<Answer> {
  const timeoutMs = durationMs(gate.timeout);
  const mine = new AbortController();
  using either = anySignal([signal, mine.signal]);
  const over = either.signal;
  const late: Promise<Answer> = clock.sleep(timeoutMs + GRACE_MS, over).then(() => ({
    // What may run once only may have done anything by now (INV-14).
    verdict: gate.command?.idempotent === false ? 'unknown' : 'inconclusive',
    message: `no answer within ${formatDuration(timeoutMs)}`,
  }));
  // The loser of the race is aborted below and its rejection is expected.
  late.catch(() => {});
  const asked = ask(timeoutMs, over).catch((error: unknown): Answer => {
    signal.throwIfAborted();
    return { verdict: 'inconclusive', message: messageOf(error) };
  });
  asked.catch(() => {});
  try {
    return await Promise.race([asked, late]);
  } finally {
    mine.abort(new Error('the asking is over'));
  }
}

function describe(
  message: string,
  ms: number,
  { passes, failures }: { passes: number; failures: number },
  gate: Gate,
  verdict: GateVerdict | null,
): string {
  if (verdict !== null) return `${message} (${formatDuration(ms)})`;
  const progress =
    passes > 0
      ? `${passes} of ${gate.successes} in a row`
      : `${failures} of ${gate.failureLimit} failures allowed`;
  return `${message} (${progress})`;
}
