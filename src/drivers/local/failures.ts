import { instant } from '../../lib/clock.ts';
import type { WorkloadProblem } from '../cluster-driver.ts';
import { restartDelayMs } from './backoff.ts';

/** An end that nobody asked for, or a start that could not be made. */
export interface Failure {
  readonly reason: WorkloadProblem['reason'];
  /** One sentence without a full stop: what happened. */
  readonly message: string;
  /** No restart will change it: the artifact of a revision never does. */
  readonly permanent: boolean;
  /** Last lines of the instance's log; null where no process ran. */
  readonly lines: readonly string[] | null;
}

/** What became of the instances of one ordinal, one after the other. */
export interface SlotHistory {
  /** Failures in a row, without a minute of health between two. */
  readonly failures: number;
  /** Of those, the last ones for the same reason. */
  readonly alike: number;
  readonly since: number;
  readonly last: Failure;
  readonly lastAt: number;
  readonly notBefore: number;
}

/** An instance that was ready this long has paid for the failures before it. */
export const HEALTHY_MS = 60_000;
/** A crash is a loop from the third in a row on, and will not heal by waiting from the fifth. */
const LOOP = 3;
const FINAL = 5;
/** Whoever had its whole start timeout twice, one fresh attempt included, needs a person and no third time. */
const FINAL_TIMEOUTS = 2;
/** A problem is shown this long after the instance came up again, so that nobody misses it between two looks. */
const SHOWN_MS = 5_000;

export function recordFailure(
  before: SlotHistory | undefined,
  failure: Failure,
  seen: { readonly now: number; readonly readyForMs: number },
): SlotHistory {
  const inARow = before !== undefined && seen.readyForMs < HEALTHY_MS;
  const failures = inARow ? before.failures + 1 : 1;
  return {
    failures,
    alike: inARow && before.last.reason === failure.reason ? before.alike + 1 : 1,
    since: inARow ? before.since : seen.now,
    last: failure,
    lastAt: seen.now,
    notBefore: seen.now + restartDelayMs(failures),
  };
}

/** One ordinal as it stands now. */
export interface SlotView {
  readonly history: SlotHistory;
  readonly isReady: boolean;
}

/** The problem of the workload: the worst slot's, or null. */
export function problemOfSlots(slots: readonly SlotView[], now: number): WorkloadProblem | null {
  const problems = slots
    .filter((slot) => !slot.isReady || now - slot.history.lastAt < SHOWN_MS)
    .map((slot) => problemOfSlot(slot))
    .filter((problem) => problem !== null);
  const [worst] = problems.toSorted(
    (a, b) => Number(b.final) - Number(a.final) || a.since.localeCompare(b.since),
  );
  if (worst === undefined) return null;
  const same = problems.filter((problem) => problem.reason === worst.reason).length;
  return same < 2 ? worst : { ...worst, message: `${same} instances: ${worst.message}` };
}

function problemOfSlot({ history, isReady }: SlotView): WorkloadProblem | null {
  const { last, failures, alike } = history;
  const isCrash = last.reason === 'crashLoop';
  if (isCrash && failures < LOOP) return null;
  const isHopeless = failures >= FINAL || (last.reason === 'startTimeout' && alike >= FINAL_TIMEOUTS);
  const counted = failures > 1 ? ` (${failures} times in a row)` : '';
  return {
    reason: last.reason,
    message: withLines(`${last.message}${counted}.`, last.lines),
    since: instant(history.since),
    final: !isReady && ((last.permanent && failures >= (isCrash ? FINAL : 1)) || isHopeless),
  };
}

/** A sentence and what the log said last. */
export function withLines(sentence: string, lines: readonly string[] | null): string {
  if (lines === null) return sentence;
  return lines.length === 0
    ? `${sentence} Its log is empty.`
    : `${sentence} Its log says:\n${lines.join('\n')}`;
}

/** Errors by which the operating system says that something has run out. */
const EXHAUSTED: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EAGAIN: 'no more processes are allowed',
  ENOMEM: 'memory has run out',
  EMFILE: 'too many files are open in the agent',
  ENFILE: 'too many files are open on this machine',
};

/** What ran out, when the error says that something did. */
export function exhausted(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === undefined ? undefined : EXHAUSTED[code];
}
