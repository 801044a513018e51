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
  readonly startTimedOut: { readonly after: string; readonly lastProbe: ProbeOutcome | null } | null;
}

/** Says why an instance ended that nobody asked to end. */
export function diagnose(
  { how, code }: Exit,
  { id, spec, ageMs, startTimedOut }: EndedInstance,
): Omit<Failure, 'lines'> {
  if (startTimedOut !== null) {
    const seen = startTimedOut.lastProbe?.message ?? 'none was made';
    const hint = spec.port === undefined ? '' : `; it must listen on the port that ${spec.port.env} names`;
    const message = `${id} was not ready ${startTimedOut.after} after its start (last probe: ${seen}${hint})`;
    return { reason: 'startTimeout', message, permanent: false };
  }
  if (code === 126 || code === 127) {
    return {
      reason: 'cannotStart',
      message: `"${spec.command[0]}" could not be executed (code ${code})`,
      permanent: false,
    };
  }
  const age = (ageMs / 1_000).toFixed(1);
  return { reason: 'crashLoop', message: `${id} ${how} ${age} s after its start`, permanent: false };
}
