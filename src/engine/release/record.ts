import type { ExecutionStatus, GateRunStatus } from '../../api/execution.ts';
import type { ReleaseSpec } from '../../api/release.ts';
import { digestOf } from '../../lib/digest.ts';
import type { ReleaseInput } from './input.ts';

/** A record longer than this is no longer one that can be replayed; status stays far below etcd's 1.5 MiB. */
const MOST_CHARACTERS = 256 * 1024;

/**
 * A decision's input as it stands with it in the status, so that deciding again gives the same (INV-17). Without
 * what no decision looks at: the frozen spec, which stands beside it; samples of gates; and of executions that are
 * over, everything but how they ended and what they counted. Beyond the bound it says so, with its digest, since
 * half of it could be taken for all.
 */
export function recordInput(input: ReleaseInput): string {
  const { spec: _spec, ...rest } = input;
  const { decision: _decision, ...status } = input.status;
  const recorded = {
    ...rest,
    status: { ...status, decision: null },
    executions: mapValues(input.executions, (execution, name) =>
      isCurrent(input, name) ? execution : endOf(execution),
    ),
    gateRuns: mapValues(input.gateRuns, (run): GateRunStatus => ({ ...run, samples: [] })),
  };
  const text = JSON.stringify(recorded);
  return text.length <= MOST_CHARACTERS
    ? text
    : JSON.stringify({ omitted: text.length, digest: digestOf(recorded) });
}

/** The input again; undefined where the record was too long to be kept. */
export function replayInput(spec: ReleaseSpec, record: string): ReleaseInput | undefined {
  const parsed = JSON.parse(record) as Omit<ReleaseInput, 'spec'> | { omitted: number };
  return 'omitted' in parsed ? undefined : { ...parsed, spec };
}

const mapValues = <T>(values: Readonly<Record<string, T>>, edit: (value: T, name: string) => T) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, edit(value, name)]));

/** Of the step under way, in any cluster. */
const isCurrent = ({ name, status }: ReleaseInput, execution: string): boolean =>
  `${execution}-`.startsWith(`${name}-e${status.epoch}-s${status.sequence}-`);

const endOf = ({ phase, traffic }: ExecutionStatus): ExecutionStatus => ({
  phase,
  traffic,
  instructions: [],
  failure: null,
  acceptedAt: null,
  endedAt: null,
});
