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
import { proofRequests } from './proof-requests.ts';

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
        ? { source: NOT_MEASURED, total: null, failed: null, failures: {}, answered5xx: null, byVersion: {} }
        : {
            source: 'router',
            total: traffic.requests,
            failed: traffic.failed,
            failures: traffic.failures,
            answered5xx: traffic.answered5xx ?? null,
            byVersion: traffic.byVersion,
          },
    prober: proberOf(steps.map(({ instruction }) => instruction)),
    proofs: proofsOf(steps.map(({ instruction }) => instruction)),
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

function proofsOf(instructions: readonly InstructionStatus[]): ReceiptSpec['proofs'] {
  const total = proofRequests(instructions);
  return total === null ? { source: NOT_MEASURED, total } : { source: 'agent', total };
}

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
  const ordered = execution.instructions.find(({ id }) => id === instruction.id);
  const workload = ordered !== undefined && 'workload' in ordered ? ordered.workload : null;
  // By the plan's own order: the proof before is what the flip needed, the proof after is what needed the flip.
  const proofs = execution.instructions.filter(
    (each) => each.type === 'proveTraffic' && each.workload === workload,
  );
  const before = proofs.find(({ id }) => ordered?.needs.includes(id));
  const after = proofs.find(({ needs }) => needs.includes(instruction.id));
  const summary = (proof: { id: string } | undefined) => {
    const result = own.find(({ id }) => id === proof?.id);
    if (result !== undefined) return String(result.evidence.summary ?? result.message);
    // A rolling update proves as it goes, within the one instruction.
    return String(record(instruction.evidence.proof).summary ?? 'control-plane evidence only');
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
      proofBefore: summary(before),
      proofAfter: summary(after),
    },
  ];
}

function drainOf(execution: ExecutionSpec, instruction: InstructionStatus): ReceiptSpec['drains'] {
  if (instruction.state !== 'done') return [];
  const ordered = execution.instructions.find((own) => own.id === instruction.id);
  const rolled = record(instruction.evidence.drain);
  const isRolling = ordered?.type === 'rollWorkload' && typeof rolled.ms === 'number';
  if (ordered?.type !== 'drain' && !isRolling) return [];
  const revision =
    isRolling || (ordered?.type === 'drain' && ordered.side === 'from') ? execution.from : execution.to;
  const version =
    revision === null ? '' : versionName(instruction.id.split('/')[0] ?? '', revision.spec.number);
  const { ms, requests, streams, cut, killed } = isRolling ? rolled : instruction.evidence;
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
      ...(number(killed) === 0 ? {} : { killed: number(killed) }),
    },
  ];
}
