import type {
  ExecutionSpec,
  ExecutionStatus,
  GateRunSpec,
  GateRunStatus,
  InstructionStatus,
  ReceiptSpec,
} from '../../api/execution.ts';
import type { ReleaseSpec, ReleaseStatus } from '../../api/release.ts';
import { versionName } from '../application/revision.ts';

export interface ReceiptInput {
  readonly name: string;
  readonly spec: ReleaseSpec;
  readonly status: ReleaseStatus;
  readonly executions: readonly {
    readonly spec: ExecutionSpec;
    readonly status?: ExecutionStatus | undefined;
  }[];
  readonly gateRuns: readonly { readonly spec: GateRunSpec; readonly status?: GateRunStatus | undefined }[];
}

const NOT_MEASURED = 'not measured';

/** The measured evidence of a release, each figure with its source; what was not measured says so, never 0. */
export function buildReceipt({ name, spec, status, executions, gateRuns }: ReceiptInput): ReceiptSpec {
  const ordered = [...executions].sort(
    (a, b) => a.spec.epoch - b.spec.epoch || a.spec.sequence - b.spec.sequence,
  );
  const steps = ordered.flatMap(({ spec: execution, status: result }) =>
    (result?.instructions ?? []).map((instruction) => ({ execution, instruction })),
  );
  const { traffic } = status;
  return {
    release: name,
    application: spec.application,
    environment: spec.environment,
    from: spec.from,
    to: spec.to,
    phase: status.phase,
    wallMs: Date.parse(status.endedAt ?? '') - Date.parse(status.startedAt ?? status.endedAt ?? '') || 0,
    requests:
      traffic === null
        ? { source: NOT_MEASURED, total: null, failed: null, failures: {}, byVersion: {} }
        : {
            source: 'router',
            total: traffic.requests,
            failed: traffic.failed,
            failures: traffic.failures,
            byVersion: traffic.byVersion,
          },
    prober: proberOf(steps.map(({ instruction }) => instruction)),
    flips: steps.flatMap(({ execution, instruction }) =>
      flipOf(
        execution,
        instruction,
        steps.filter((other) => other.execution === execution).map((other) => other.instruction),
      ),
    ),
    drains: steps.flatMap(({ execution, instruction }) => drainOf(execution, instruction)),
    gates: gateRuns.map(({ spec: run, status: result }) => ({
      source:
        result?.by === null || result?.by === undefined
          ? 'agent'
          : result.by === 'clock'
            ? 'manager'
            : 'person',
      name: run.gate.name,
      stage: run.stage,
      verdict: result?.verdict ?? 'inconclusive',
      message: result?.message ?? '',
      by: result?.by ?? null,
      why: result?.why ?? null,
      ms: Math.max(0, Date.parse(result?.endedAt ?? '') - Date.parse(result?.startedAt ?? '')) || 0,
    })),
    commands: status.commands
      .filter((c) => !c.outcome.startsWith('refused: '))
      .map(({ verb, by, at, why }) => ({ verb, by, at, why })),
    revisions: { from: spec.digests.from, to: spec.digests.to },
    plan: spec.plan.hash,
    requestedBy: spec.requestedBy,
    why: spec.why,
    startedAt: status.startedAt,
    endedAt: status.endedAt,
    failure: status.failure,
    turn: status.turn,
  };
}

const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
const record = (value: unknown): Record<string, unknown> =>
  value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};

function proberOf(instructions: readonly InstructionStatus[]): ReceiptSpec['prober'] {
  const probed = instructions
    .map((i) => record(i.evidence.prober))
    .filter((p) => typeof p.total === 'number');
  if (probed.length === 0) return { source: NOT_MEASURED, total: null, failed: null };
  const sum = (field: string) => probed.reduce((total, p) => total + number(p[field]), 0);
  return { source: 'prober', total: sum('total'), failed: sum('failed') };
}

function flipOf(
  execution: ExecutionSpec,
  instruction: InstructionStatus,
  own: readonly InstructionStatus[],
): ReceiptSpec['flips'] {
  if (typeof instruction.evidence.flipMs !== 'number') return [];
  const workload = instruction.id.split('/')[0] ?? '';
  const suffix = /(\.\d+)?$/.exec(instruction.id)?.[1] ?? '';
  const summary = (verb: string) => {
    const proof = own.find((i) => i.id === `${workload}/${verb}${suffix}`);
    return proof === undefined
      ? 'control-plane evidence only'
      : String(proof.evidence.summary ?? proof.message);
  };
  const weights = Object.fromEntries(
    Object.entries(record(instruction.evidence.weights)).map(([version, weight]) => [
      version,
      number(weight),
    ]),
  );
  return [
    {
      source: 'router',
      stage: execution.stage,
      cluster: execution.cluster,
      at: String(instruction.evidence.at ?? instruction.endedAt ?? ''),
      flipMs: instruction.evidence.flipMs,
      weights,
      proofBefore: summary('prove-before'),
      proofAfter: summary('prove-after'),
    },
  ];
}

function drainOf(execution: ExecutionSpec, instruction: InstructionStatus): ReceiptSpec['drains'] {
  if (!/\/drain/.test(instruction.id) || instruction.state !== 'done') return [];
  const ordered = execution.instructions.find((own) => own.id === instruction.id);
  const side = ordered !== undefined && 'side' in ordered ? ordered.side : 'from';
  const revision = side === 'from' ? execution.from : execution.to;
  const version =
    revision === null ? '' : versionName(instruction.id.split('/')[0] ?? '', revision.spec.number);
  const { ms, requests, streams, cut } = instruction.evidence;
  return [
    {
      source: 'router',
      stage: execution.stage,
      cluster: execution.cluster,
      version,
      ms: number(ms),
      requests: number(requests),
      streams: number(streams),
      cut: number(cut),
    },
  ];
}
