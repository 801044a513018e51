import type { Execution, ExecutionStatus, GateRun, GateRunStatus } from '../api/execution.ts';
import type { Stored } from '../api/meta.ts';
import type { Release, ReleaseStatus } from '../api/release.ts';
import type { Track } from '../api/revision.ts';
import { decide } from '../engine/release/decide.ts';
import type { ReleaseDecision, ReleaseInput } from '../engine/release/input.ts';
import { recordInput } from '../engine/release/record.ts';
import { hasEnded, initialStatus } from '../engine/release/state.ts';
import { supersededBy } from '../engine/track/claim.ts';
import { instant } from '../lib/clock.ts';
import { equalJson } from '../lib/equal-json.ts';
import { type ControllerContext, LABELS, labelValue } from './context.ts';
import { answerCommand } from './pending-commands.ts';
import { carryOut, writeReceipt } from './release-effects.ts';
import { refuseUnanswerable } from './unanswerable.ts';
import type { ReconcileResult } from './work-queue.ts';

/** Words and counts that nothing is decided by are written at most this often; what counts, at once. */
const WORDS_MS = 1_000;

/** Drives one Release: gather one input, decide, save, act, answer. No choice is made here. */
export async function reconcileRelease(
  context: ControllerContext,
  namespace: string,
  name: string,
): Promise<ReconcileResult> {
  const { store } = context;
  const release = await store.get<Release>({ kind: 'Release', namespace, name });
  const asked = context.pending.for(namespace, 'Release', name);
  const decided = new Set(release?.status?.commands.map(({ uid }) => uid));
  const undecided = asked.filter(({ metadata }) => !decided.has(metadata.uid));
  await refuseUnanswerable(context, name, release, undecided);
  if (release === undefined || release.spec.slipwayVersion !== context.version) return {};
  const ended = release.status !== undefined && hasEnded(release.status.phase);
  // Verbs on what has ended begin a new release: the track answers them, except those that were decided here
  // and that a crash, or the release's own end, came before the answer of.
  const mine = ended ? asked.filter(({ metadata }) => decided.has(metadata.uid)) : asked;
  if (ended && release.status?.receipt !== null && mine.length === 0) return {};
  const gathered = await gather(context, release, namespace, name);
  const input: ReleaseInput = {
    ...gathered,
    commands: mine.map(({ metadata, spec }) => ({
      uid: metadata.uid,
      verb: spec.verb,
      by: spec.by,
      roles: spec.roles,
      at: spec.at,
      why: spec.why,
      parameters: spec.parameters,
    })),
  };
  const decision = decide(input);
  const wordsAt = await save(context, release, input, decision);
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
  return { wakeAt: wordsAt === null ? decision.wakeAt : Math.min(wordsAt, decision.wakeAt ?? wordsAt) };
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
  const status = release.status ?? initialStatus(release.spec, instant(now));
  return {
    name,
    spec: release.spec,
    status,
    supersededBy: track?.status === undefined ? null : supersededBy(track.status, name, status),
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

/**
 * Intent before effect (INV-13); the decision stands with its input so that it can be replayed (INV-17). Answers
 * when to look again where only words or counts changed, and too soon after the last write (null otherwise).
 */
async function save(
  context: ControllerContext,
  release: Stored<Release>,
  input: ReleaseInput,
  decision: ReleaseDecision,
): Promise<number | null> {
  const { decision: _before, ...before } = input.status;
  const { decision: _after, ...after } = decision.status;
  if (release.status !== undefined && equalJson(before, after)) return null;
  const wordsAt = Date.parse(input.status.decision?.at ?? '') + WORDS_MS;
  if (
    release.status !== undefined &&
    input.now < wordsAt &&
    equalJson(weightOf(input.status, decision.status), weightOf(decision.status, input.status))
  )
    return wordsAt;
  const status: ReleaseStatus = {
    ...decision.status,
    observedGeneration: release.metadata.generation,
    decision: {
      at: instant(input.now),
      input: recordInput(input),
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
  return null;
}

/**
 * A status without its words and its count of requests; failures count. Whom it waits for is no mere word,
 * except an agent: two managers, of which one has the agent, would else write against each other without end.
 */
const weightOf = (status: ReleaseStatus, other: ReleaseStatus): unknown => ({
  ...status,
  decision: null,
  waiting: [status, other].some(({ waiting }) => waiting.for === 'agent')
    ? null
    : { ...status.waiting, for: null, message: null },
  traffic: status.traffic?.failed ?? null,
  stages: status.stages.map((stage) => ({ ...stage, message: null })),
  conditions: status.conditions.map((condition) => ({ ...condition, message: null })),
});
