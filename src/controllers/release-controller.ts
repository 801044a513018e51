import { durationMs } from '../api/duration.ts';
import type { Execution, ExecutionStatus, GateRun, GateRunStatus, Receipt } from '../api/execution.ts';
import { API_VERSION, type Stored } from '../api/meta.ts';
import type { Release, ReleaseStatus } from '../api/release.ts';
import type { Track } from '../api/revision.ts';
import { buildReceipt } from '../engine/receipt/build-receipt.ts';
import { decide } from '../engine/release/decide.ts';
import type { ReleaseDecision, ReleaseEffect, ReleaseInput } from '../engine/release/input.ts';
import { hasEnded, initialStatus } from '../engine/release/state.ts';
import { supersededBy } from '../engine/track/decide-track.ts';
import { instant } from '../lib/clock.ts';
import { canonicalJson } from '../lib/digest.ts';
import { type ControllerContext, LABELS, labelValue } from './context.ts';
import { createOnce, makeExecution } from './make-execution.ts';
import { answerCommand } from './pending-commands.ts';
import type { ReconcileResult } from './work-queue.ts';

/** An input longer than this is kept as its beginning alone: status stays far below etcd's limit. */
const DECISION_BYTES = 64 * 1024;

/** Drives one Release: gather one input, decide, save, act, answer. No choice is made here. */
export async function reconcileRelease(
  context: ControllerContext,
  namespace: string,
  name: string,
): Promise<ReconcileResult> {
  const { store } = context;
  const release = await store.get<Release>({ kind: 'Release', namespace, name });
  if (release === undefined || release.spec.slipwayVersion !== context.version) return {};
  const commands = context.pending.for(namespace, 'Release', name);
  if (release.status !== undefined && hasEnded(release.status.phase) && release.status.receipt !== null)
    return {};
  const gathered = await gather(context, release, namespace, name);
  // Verbs on what has ended begin a new release: the track answers them.
  const mine = commands.filter(() => !hasEnded(gathered.status.phase));
  const input: ReleaseInput = {
    ...gathered,
    commands: mine.map(({ metadata, spec }) => ({
      uid: metadata.uid,
      verb: spec.verb,
      by: spec.by,
      at: spec.at,
      why: spec.why,
      parameters: spec.parameters,
    })),
  };
  const decision = decide(input);
  await save(context, release, input, decision);
  for (const effect of decision.effects) await carryOut(context, release, namespace, effect);
  for (const reply of decision.replies) {
    const command = mine.find((each) => each.metadata.uid === reply.uid);
    if (command !== undefined)
      await answerCommand(store, command, {
        state: reply.state,
        message: reply.message,
        result: { release: name },
      });
  }
  if (hasEnded(decision.status.phase)) await writeReceipt(context, namespace, name);
  return { wakeAt: decision.wakeAt };
}

async function gather(
  context: ControllerContext,
  release: Stored<Release>,
  namespace: string,
  name: string,
): Promise<Omit<ReleaseInput, 'commands'>> {
  const { store, clock } = context;
  const labels = { [LABELS.release]: labelValue(name) };
  const [executions, gateRuns, track] = await Promise.all([
    store.list<Execution>('Execution', { namespace, labels }),
    store.list<GateRun>('GateRun', { namespace, labels }),
    store.get<Track>({
      kind: 'Track',
      namespace,
      name: `${release.spec.application}-${release.spec.environment}`,
    }),
  ]);
  const now = clock.now();
  return {
    name,
    spec: release.spec,
    status: release.status ?? initialStatus(release.spec, instant(now)),
    supersededBy: track?.status === undefined ? null : supersededBy(track.status, name),
    executions: byName<ExecutionStatus>(executions.items.filter((each) => each.spec.release === name)),
    gateRuns: byName<GateRunStatus>(gateRuns.items.filter((each) => each.spec.release === name)),
    connected: context.connectedClusters(),
    now,
  };
}

const byName = <T>(items: readonly { metadata: { name: string }; status?: unknown }[]): Record<string, T> =>
  Object.fromEntries(
    items.flatMap((item) => (item.status === undefined ? [] : [[item.metadata.name, item.status as T]])),
  );

/** Intent before effect (INV-13); the decision stands with its input so that it can be replayed (INV-17). */
async function save(
  context: ControllerContext,
  release: Stored<Release>,
  input: ReleaseInput,
  decision: ReleaseDecision,
): Promise<void> {
  const { decision: _before, ...before } = input.status;
  const { decision: _after, ...after } = decision.status;
  if (release.status !== undefined && canonicalJson(before) === canonicalJson(after)) return;
  const { spec: _spec, ...recorded } = { ...input, status: before };
  const status: ReleaseStatus = {
    ...decision.status,
    observedGeneration: release.metadata.generation,
    decision: {
      at: instant(input.now),
      input: JSON.stringify(recorded).slice(0, DECISION_BYTES),
      summary: `${input.status.phase}/${input.status.step} → ${decision.status.phase}/${decision.status.step}, ${decision.effects.map((e) => e.type).join(', ') || 'no effects'}`,
    },
  };
  const saved = await context.store.updateStatus<Release>({ ...release, status });
  if (input.status.phase !== decision.status.phase) {
    context.log.info('release phase', {
      release: release.metadata.name,
      from: input.status.phase,
      to: decision.status.phase,
      waiting: decision.status.waiting.message,
      resourceVersion: saved.metadata.resourceVersion,
    });
  }
}

async function carryOut(
  context: ControllerContext,
  release: Stored<Release>,
  namespace: string,
  effect: ReleaseEffect,
): Promise<void> {
  const { store } = context;
  const { spec, metadata } = release;
  if (effect.type === 'createExecution') {
    const allowances = (pick: 'surge' | 'unavailable') =>
      Object.fromEntries(spec.workloads.map((w) => [w.name, w[pick]]));
    await makeExecution(
      store,
      { namespace, name: effect.name },
      {
        release: metadata.name,
        subject: `release/${namespace}/${metadata.name}`,
        purpose: 'stage',
        application: spec.application,
        environment: spec.environment,
        cluster: effect.cluster,
        epoch: effect.epoch,
        sequence: effect.sequence,
        slipwayVersion: spec.slipwayVersion,
        stage: effect.stage,
        instructions: [...effect.instructions],
        from: spec.from,
        to: spec.to,
        replicas: spec.replicas,
        maxSurge: allowances('surge'),
        maxUnavailable: allowances('unavailable'),
        routes: spec.routes,
        deadlineMs: durationMs(spec.policy.progressDeadline),
      },
    );
  } else if (effect.type === 'createGateRun') {
    const gateRun: GateRun = {
      apiVersion: API_VERSION,
      kind: 'GateRun',
      metadata: {
        name: effect.name,
        namespace,
        labels: {
          [LABELS.release]: labelValue(metadata.name),
          [LABELS.application]: spec.application,
          [LABELS.environment]: spec.environment,
        },
      },
      spec: {
        release: metadata.name,
        stage: effect.stage,
        when: effect.when,
        gate: effect.gate,
        epoch: effect.epoch,
      },
      status: {
        state: 'pending',
        verdict: null,
        message: '',
        startedAt: instant(context.clock.now()),
        endedAt: null,
        samples: [],
        by: null,
        why: null,
      },
    };
    await createOnce(store, gateRun);
  } else {
    const stored = await store.get<GateRun>({ kind: 'GateRun', namespace, name: effect.name });
    if (stored?.status === undefined || stored.status.state === 'done') return;
    const { verdict, message, by, why } = effect;
    await store.updateStatus<GateRun>({
      ...stored,
      status: {
        ...stored.status,
        state: 'done',
        verdict,
        message,
        by,
        why,
        endedAt: instant(context.clock.now()),
      },
    });
  }
}

/** The evidence, once; then the release names it. */
async function writeReceipt(context: ControllerContext, namespace: string, name: string): Promise<void> {
  const { store } = context;
  const release = await store.get<Release>({ kind: 'Release', namespace, name });
  if (release?.status === undefined || release.status.receipt !== null) return;
  const labels = { [LABELS.release]: labelValue(name) };
  const executions = await store.list<Execution>('Execution', { namespace, labels });
  const gateRuns = await store.list<GateRun>('GateRun', { namespace, labels });
  const receipt: Receipt = {
    apiVersion: API_VERSION,
    kind: 'Receipt',
    metadata: {
      name,
      namespace,
      labels: {
        ...labels,
        [LABELS.application]: release.spec.application,
        [LABELS.environment]: release.spec.environment,
      },
    },
    spec: buildReceipt({
      name,
      spec: release.spec,
      status: release.status,
      executions: executions.items
        .filter((each) => each.spec.release === name)
        .map(({ spec, status }) => ({ spec, status })),
      gateRuns: gateRuns.items
        .filter((each) => each.spec.release === name)
        .map(({ spec, status }) => ({ spec, status })),
    }),
  };
  await createOnce(store, receipt);
  await store.updateStatus<Release>({ ...release, status: { ...release.status, receipt: name } });
}
