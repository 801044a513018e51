import type { GateRunStatus } from '../../api/execution.ts';
import type { Instruction } from '../../api/plan.ts';
import { askCommand } from '../../gates/command-gate.ts';
import { askHttp } from '../../gates/http-gate.ts';
import { type Ask, runGate as askUntilDecided } from '../../gates/run-gate.ts';
import {
  done,
  type InstructionContext,
  type InstructionOutcome,
  serviceKey,
  servicesOf,
  versionOf,
} from '../context.ts';
import { failure } from '../words.ts';

type RunGate = Extract<Instruction, { type: 'runGate' }>;

/** A gate that must be asked from beside the workloads: `http` and `command`. */
export async function runGate(
  context: InstructionContext,
  instruction: RunGate,
): Promise<InstructionOutcome> {
  const { gate, gateRun } = instruction;
  const ask = askOf(context, instruction);
  if (ask === undefined) {
    return {
      state: 'failed',
      failure: await failure(context, 'gateKind', `Gate ${gate.name} is not one that an agent asks.`),
    };
  }
  const status = await askUntilDecided({
    gate,
    ask,
    clock: context.ports.clock,
    signal: context.signal,
    startedAt: context.startedAt,
    onStatus: (now) => {
      context.gateRun(gateRun, now);
      context.progress(`gate ${gate.name}: ${now.message}`);
    },
  });
  context.gateRun(gateRun, status);
  return outcomeOf(context, gate.name, status);
}

async function outcomeOf(
  context: InstructionContext,
  name: string,
  status: GateRunStatus,
): Promise<InstructionOutcome> {
  const evidence = { gate: { name, verdict: status.verdict, message: status.message } };
  if (status.verdict === 'pass') return done(`gate ${name} passed: ${status.message}`, evidence);
  const skip = context.spec.release === null ? undefined : `slipway skip ${context.spec.release} ${name}`;
  if (status.verdict === 'unknown') {
    const failed = await failure(
      context,
      'unknownOutcome',
      `Gate ${name}: ${status.message}`,
      skip === undefined ? undefined : `look at what it did, then: ${skip}, or retry the release`,
    );
    return { state: 'unknown', failure: failed };
  }
  const [reason, words] =
    status.verdict === 'fail' ? ['gateFailed', 'failed'] : ['gateInconclusive', 'is inconclusive'];
  return {
    state: 'failed',
    failure: await failure(context, reason, `Gate ${name} ${words}: ${status.message}`),
    evidence,
  };
}

function askOf(context: InstructionContext, { gate, side, workload }: RunGate): Ask | undefined {
  const { ports, spec } = context;
  const service = workload ?? servicesOf(spec)[0];
  const version = service === undefined ? null : versionOf(spec, side, service);
  const { http, command } = gate;
  if (http !== undefined) {
    const preview =
      service === undefined || version === null
        ? null
        : {
            version,
            ask: ports.trafficRouter.preview.bind(ports.trafficRouter, serviceKey(context, service), version),
          };
    return (timeoutMs) => askHttp(http, { ...ports, preview, timeoutMs });
  }
  if (command === undefined) return undefined;
  const variables = {
    SLIPWAY_APPLICATION: spec.application,
    SLIPWAY_ENVIRONMENT: spec.environment,
    SLIPWAY_RELEASE: spec.release ?? '',
    SLIPWAY_FROM: spec.from?.name ?? '',
    SLIPWAY_TO: spec.to.name,
    SLIPWAY_VERSION: version ?? '',
    SLIPWAY_ENTRY: ports.entry[0] ?? '',
  };
  let unknown = context.noted === 'asking' && !command.idempotent;
  return async (timeoutMs, signal) => {
    if (unknown) {
      return {
        verdict: 'unknown',
        message: 'the agent stopped while the command ran; it is not run again by itself',
      };
    }
    if (!command.idempotent) await context.note('asking');
    unknown = !command.idempotent;
    const answer = await askCommand(command, { processes: ports.processes, variables, timeoutMs, signal });
    // Nobody may have waited for an answer that came so late: what is not known then is not known later.
    if (answer.verdict === 'unknown') return answer;
    if (!command.idempotent) await context.note('answered');
    unknown = false;
    return answer;
  };
}
