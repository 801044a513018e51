import type { WorkloadWish } from '../cluster-driver.ts';
import type { Exit } from './exit-status.ts';
import type { Failure } from './failures.ts';
import type { ProbeOutcome } from './readiness.ts';

/** What is known of an instance when its end has to be explained. */
export interface EndedInstance {
  readonly id: string;
  readonly spec: Pick<WorkloadWish['spec'], 'command' | 'port'>;
  /** From its start to its end. */
  readonly ageMs: number;
  /** It was ended since it did not get ready in time; null where it ended by itself. */
  readonly startTimedOut: {
    /** The start timeout as it is written in the application. */
    readonly after: string;
    /** With the time over which every probe said the same. */
    readonly lastProbe: { readonly outcome: ProbeOutcome; readonly sinceMs: number } | null;
  } | null;
}

/** Says why an instance ended that nobody asked to end. */
export function diagnose(
  { how, code }: Exit,
  { id, spec, ageMs, startTimedOut }: EndedInstance,
): Omit<Failure, 'lines'> {
  if (startTimedOut !== null) {
    const seen = probeWords(startTimedOut.lastProbe, spec.port?.env);
    const message = `${id} was not ready ${startTimedOut.after} after its start (last probe: ${seen})`;
    return { reason: 'startTimeout', message, permanent: false };
  }
  if (code === 126 || code === 127) {
    return {
      reason: 'cannotStart',
      message: `"${spec.command[0]}" could not be executed (code ${code})`,
      permanent: false,
    };
  }
  return { reason: 'crashLoop', message: `${id} ${how} ${seconds(ageMs)} after its start`, permanent: false };
}

/** Only where nothing could be reached is the port what to look at. */
function probeWords(
  last: { readonly outcome: ProbeOutcome; readonly sinceMs: number } | null,
  port: string | undefined,
): string {
  if (last?.outcome.reached === true) return `${last.outcome.message}, for ${seconds(last.sinceMs)}`;
  const hint = port === undefined ? '' : `; it must listen on the port that ${port} names`;
  return `${last?.outcome.message ?? 'none was made'}${hint}`;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
