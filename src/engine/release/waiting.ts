import { durationMs } from '../../api/duration.ts';
import type { Gate } from '../../api/gate.ts';
import type { InstructionType } from '../../api/plan.ts';
import type { Waiting } from '../../api/release.ts';
import { approversInWords } from '../approvers.ts';
import { PROTECTION_GATE } from '../plan/plan-release.ts';
import type { Draft } from './draft.ts';
import { executionName } from './input.ts';
import { openGate } from './next-words.ts';
import { hasEnded } from './state.ts';

/** What the release waits for, who can unblock it and when it expires: INV-28, and the sentence of `why`. */
export function waitingOf(draft: Draft): Waiting {
  const waiting = presentWaiting(draft);
  const asked = draft.status.pauseRequested;
  if (asked === null || waiting.for === 'nothing') return waiting;
  return {
    ...waiting,
    message: `${waiting.message} · then pauses, as ${asked.by} asked`,
    commands: [...waiting.commands, `slipway resume ${draft.input.name}`],
  };
}

function presentWaiting(draft: Draft): Waiting {
  const { status, input } = draft;
  const abort = `slipway abort ${input.name}`;
  const base = { since: status.stepSince, expiresAt: null, onExpiry: null };
  if (hasEnded(status.phase)) {
    return {
      ...base,
      for: 'nothing',
      message: endedMessage(draft),
      who: 'nobody',
      commands: endedCommands(draft),
      since: status.endedAt ?? status.stepSince,
    };
  }
  if (status.pause !== null) return pausedWaiting(draft, abort);
  const open = openGates(draft);
  const approval = open.find((gate) => gate.approval !== undefined);
  if (approval?.approval !== undefined) {
    const what =
      approval.name === PROTECTION_GATE
        ? `the plan ${draft.spec.plan.hash.slice(0, 6)}`
        : `gate ${approval.name} of stage ${draft.stage?.number}`;
    return {
      ...base,
      for: 'approval',
      message: `Waiting for approval of ${what}`,
      who: approversInWords(approval.approval.by),
      commands: [`slipway approve ${input.name}`, `slipway reject ${input.name}`, abort],
      expiresAt: new Date(Date.parse(status.stepSince) + durationMs(approval.approval.expires)).toISOString(),
      onExpiry: 'aborts',
    };
  }
  const absent = draft.spec.clusters.filter((cluster) => !input.connected.includes(cluster));
  if (absent.length > 0) {
    return {
      ...base,
      for: 'agent',
      message: `Waiting for the agent of ${absent.join(', ')}, which is not connected`,
      who: 'whoever runs that agent',
      commands: ['slipway status', abort],
    };
  }
  const soak = open.find((gate) => gate.soak !== undefined);
  if (soak?.soak !== undefined || (status.step === 'advance' && draft.stage?.advance.kind === 'soak')) {
    const ms =
      soak?.soak === undefined
        ? draft.stage?.advance.kind === 'soak'
          ? draft.stage.advance.ms
          : 0
        : durationMs(soak.soak.duration);
    const until = new Date(Date.parse(status.stepSince) + ms).toISOString();
    return {
      ...base,
      for: 'soak',
      message: `Watching stage ${draft.stage?.number} until ${until}`,
      who: 'nobody',
      commands: [abort],
      expiresAt: until,
      onExpiry: 'goes on',
    };
  }
  if (open.length > 0) {
    const names = open.map((gate) => gate.name).join(', ');
    return {
      ...base,
      for: 'gate',
      message: `Asking gate ${names} of stage ${draft.stage?.number}`,
      who: 'nobody',
      commands: [`slipway skip ${input.name} --gate ${open[0]?.name} --why "…"`, abort],
    };
  }
  return {
    ...base,
    ...workWaiting(draft),
    who: 'nobody',
    commands: status.direction === 'back' ? [] : [abort],
  };
}

function openGates(draft: Draft): readonly Gate[] {
  const { status, stage, input } = draft;
  const gates =
    status.step === 'gatesBefore'
      ? stage?.gatesBefore
      : status.step === 'gatesAfter'
        ? stage?.gatesAfter
        : undefined;
  return (gates ?? []).filter((gate) => {
    const run = status.gateRuns[gate.name] ?? '';
    return status.verdicts[run] === undefined && input.gateRuns[run]?.state !== 'done';
  });
}

const WAITS_FOR: Readonly<Record<InstructionType, Waiting['for']>> = {
  ensureWorkload: 'instances',
  awaitReady: 'instances',
  restartWorkload: 'instances',
  runJob: 'instances',
  runGate: 'gate',
  proveTraffic: 'traffic',
  setTraffic: 'traffic',
  rollWorkload: 'traffic',
  removeTraffic: 'traffic',
  drain: 'drain',
  removeWorkload: 'drain',
};

/** What the instructions under way say of themselves, the least advanced first. */
function workWaiting(draft: Draft): Pick<Waiting, 'for' | 'message'> {
  const { status, spec, input, stage } = draft;
  const title = `${status.direction === 'back' ? 'Turning back' : `Stage ${stage?.number}`}: ${stage?.title ?? ''}`;
  const instructions = spec.clusters.flatMap((cluster) => {
    const name = executionName(input.name, status.epoch, status.sequence, cluster, spec.clusters);
    return input.executions[name]?.instructions ?? [];
  });
  const running = instructions.find((each) => each.state === 'running');
  if (running === undefined) return { for: 'start', message: title };
  const ordered = stage?.instructions.find(({ id }) => id === running.id);
  return {
    for: ordered === undefined ? 'instances' : WAITS_FOR[ordered.type],
    message: `${title} · ${running.message}`,
  };
}

function pausedWaiting(draft: Draft, abort: string): Waiting {
  const { status, input } = draft;
  const { pause, failure } = status;
  if (pause === null) throw new TypeError('not paused');
  const base = {
    since: pause.since,
    expiresAt: pause.expiresAt,
    onExpiry: 'turns back',
    who: 'anyone with role releaser',
  };
  if (failure !== null && (pause.reason === 'failure' || pause.reason === 'unknown')) {
    const skip = openGate(draft);
    const commands =
      failure.reason === 'gateUnknown' && failure.advice !== undefined
        ? [failure.advice, abort]
        : [`slipway retry ${input.name}`, ...(skip === null ? [] : [skip]), abort];
    return {
      ...base,
      for: 'person',
      message: `Stopped at stage ${draft.stage?.number}: ${failure.message}`,
      commands,
    };
  }
  // What a person paused is ended by the verb that is its opposite; promote does the same.
  if (pause.reason === 'requested')
    return {
      ...base,
      for: 'promotion',
      message: `Paused by ${pause.by}: waiting for resume`,
      commands: [`slipway resume ${input.name}`, abort],
    };
  return {
    ...base,
    for: 'promotion',
    message: `Waiting for promote: the plan pauses after stage ${draft.stage?.number} (${draft.stage?.title})`,
    commands: [`slipway promote ${input.name}`, abort],
  };
}

function endedMessage({ status, spec }: Draft): string {
  const from = spec.from ?? 'nothing';
  switch (status.phase) {
    case 'Succeeded':
      return `Succeeded: ${spec.to} serves`;
    case 'Failed':
      return `Failed while turning back: ${status.failure?.message ?? 'unknown'}`;
    default:
      return `${status.phase}: ${from} serves${status.turn?.why ? ` (${status.turn.why})` : ''}`;
  }
}

function endedCommands({ status, input, spec }: Draft): string[] {
  if (status.phase === 'Succeeded')
    return [
      `slipway receipt ${input.name}`,
      ...(spec.from === null ? [] : [`slipway rollback ${spec.application} -e ${spec.environment}`]),
    ];
  return [`slipway receipt ${input.name}`, `slipway retry ${input.name}`];
}
