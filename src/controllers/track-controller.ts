import { type Application, DEFAULT_ENVIRONMENT, readyType } from '../api/application.ts';
import { API_VERSION, type Condition, type Stored } from '../api/meta.ts';
import type { Command } from '../api/release.ts';
import type { Track, TrackStatus } from '../api/revision.ts';
import { hasEnded } from '../engine/release/state.ts';
import { applicationCondition } from '../engine/track/application-condition.ts';
import { decideTrack } from '../engine/track/decide-track.ts';
import { leavingWords, type TrackCommand, type TrackInput } from '../engine/track/input.ts';
import { instant } from '../lib/clock.ts';
import { equalJson } from '../lib/equal-json.ts';
import type { ControllerContext } from './context.ts';
import { whatIsMissing } from './missing.ts';
import { answerCommand } from './pending-commands.ts';
import { carryOut, isBeforeSave, labelsOf, trackName } from './track-effects.ts';
import { type GatheredTrack, gatherTrack, type TrackName } from './track-input.ts';
import type { ReconcileResult } from './work-queue.ts';

/** One application in one environment: gather, decide, save, act, answer. No choice is made here. */
export async function reconcileTrack(context: ControllerContext, where: TrackName): Promise<ReconcileResult> {
  const { store, clock } = context;
  const asked = context.pending.targets(where.namespace, 'Release');
  const gathered = await gatherTrack(store, where, {
    now: clock.now(),
    asked,
    standing: context.standing,
    remembered: context.remembered,
  });
  const cannot = gathered === undefined ? null : whyNot(gathered);
  if (gathered === undefined || cannot !== null) {
    await refuseAll(context, where, cannot);
    if (gathered === undefined) await sayOnApplication(context, where, noEnvironment(where, clock.now()));
    else if (gathered.input.absent === true) await sayOnApplication(context, where, () => 'none');
    else if (gathered.foreign) {
      const foreign = wholeOf(context, gathered, []);
      await sayOnApplication(context, where, conditionOf(foreign, gathered.input.track));
    }
    return {};
  }
  const pending = commandsFor(context, where, Object.keys(gathered.input.releases), gathered);
  const whole = wholeOf(
    context,
    gathered,
    pending.map(({ command }) => command),
  );
  const decision = decideTrack(whole);
  const [early, late] = [true, false].map((when) => decision.effects.filter((e) => isBeforeSave(e) === when));
  for (const effect of early ?? []) await carryOut(context, where, gathered, effect);
  await saveTrack(context, where, gathered, decision.track);
  for (const effect of late ?? []) await carryOut(context, where, gathered, effect);
  for (const reply of decision.replies) {
    const stored = pending.find(({ command }) => command.uid === reply.uid)?.stored;
    if (stored !== undefined)
      await answerCommand(store, stored, {
        state: reply.state,
        message: reply.message,
        result: { ...reply.result },
      });
  }
  await sayOnApplication(context, where, conditionOf(whole, decision.track));
  return { wakeAt: decision.wakeAt };
}

const wholeOf = (
  { version, clock }: ControllerContext,
  { input }: GatheredTrack,
  commands: readonly TrackCommand[],
): TrackInput => ({ ...input, commands, version, now: clock.now() });

/** Why nothing can be decided for this application in this environment, in words. */
function whyNot(gathered: GatheredTrack): string | null {
  // A track that deletion has removed is not made again.
  if (gathered.track === undefined && gathered.input.deleting) return leavingWords(gathered.input);
  const { wanted } = gathered.input;
  return gathered.foreign && !wanted.ok ? (wanted.error[0]?.message ?? 'its name is taken') : null;
}

/** Who waits at what cannot be decided is told so; null: application or environment is not there. */
async function refuseAll(
  context: ControllerContext,
  where: TrackName,
  message: string | null,
): Promise<void> {
  const commands = ownCommands(context, where);
  if (commands.length === 0) return;
  const missing = message === null ? await whatIsMissing(context.store, where) : { message, next: undefined };
  const result = missing.next === undefined ? {} : { result: { next: missing.next } };
  for (const stored of commands)
    await answerCommand(context.store, stored, { state: 'refused', message: missing.message, ...result });
}

/** The condition of this type; null where there is nothing to say, `none` where nothing may stand there any more. */
type SayCondition = (
  before: readonly Condition[],
  type: string,
  application: Stored<Application>,
) => Condition | 'none' | null;

const conditionOf =
  (input: TrackInput, track: TrackStatus): SayCondition =>
  (before, type) =>
    applicationCondition(input, track, before, type);

/**
 * Nothing stands and nothing can be released. Said where the application can go nowhere else: a file may name
 * environments that are another manager's.
 */
const noEnvironment =
  ({ environment }: TrackName, now: number): SayCondition =>
  (before, type, { metadata, spec }) => {
    const elsewhere = Object.keys(spec.environments ?? {}).some((name) => name !== environment);
    if (environment !== DEFAULT_ENVIRONMENT || elsewhere || metadata.deletionTimestamp !== undefined)
      return null;
    const known = before.find((each) => each.type === type);
    return {
      type,
      status: 'False',
      reason: 'NoEnvironment',
      message: `there is no environment ${environment}; nothing is live`,
      observedGeneration: metadata.generation,
      lastTransitionTime: known?.status === 'False' ? known.lastTransitionTime : instant(now),
    };
  };

/** One condition per environment; written only when what it says changes. */
async function sayOnApplication(
  { store }: ControllerContext,
  where: TrackName,
  conditionAfter: SayCondition,
): Promise<void> {
  const stored = await store.get<Application>({
    kind: 'Application',
    namespace: where.namespace,
    name: where.application,
  });
  if (stored === undefined) return;
  const type = readyType(where.environment);
  const before = stored.status?.conditions ?? [];
  const condition = conditionAfter(before, type, stored);
  if (condition === null) return;
  const said = condition === 'none' ? undefined : condition;
  const conditions = [...before.filter((each) => each.type !== type), ...(said === undefined ? [] : [said])];
  const same = equalJson(
    before.find((each) => each.type === type),
    said,
  );
  if (same && stored.status?.observedGeneration === stored.metadata.generation) return;
  await store.updateStatus<Application>({
    ...stored,
    status: { ...stored.status, observedGeneration: stored.metadata.generation, conditions },
  });
}

/** Verbs for the application in this environment, and those for its releases that have ended or are not made yet. */
function commandsFor(
  context: ControllerContext,
  where: TrackName,
  releases: readonly string[],
  { input }: GatheredTrack,
): { stored: Stored<Command>; command: TrackCommand }[] {
  const asCommand = (stored: Stored<Command>, release: string | null) => {
    const { verb, by, roles, at, why, parameters } = stored.spec;
    return { stored, command: { uid: stored.metadata.uid, verb, release, by, roles, at, why, parameters } };
  };
  const own = ownCommands(context, where);
  const ended = releases
    .filter((name) => hasEnded(input.releases[name]?.status.phase ?? 'Pending'))
    .flatMap((name) => {
      // What the release itself has decided, it answers itself.
      const decided = new Set(input.releases[name]?.status.commands.map(({ uid }) => uid));
      return context.pending
        .for(where.namespace, 'Release', name)
        .filter(({ metadata }) => !decided.has(metadata.uid))
        .map((stored) => asCommand(stored, name));
    });
  const { active, queue } = input.track;
  const unmade = [active, ...queue].flatMap((claim) =>
    claim === null || input.releases[claim.release] !== undefined
      ? []
      : context.pending
          .for(where.namespace, 'Release', claim.release)
          .map((stored) => asCommand(stored, claim.release)),
  );
  return [...own.map((stored) => asCommand(stored, null)), ...ended, ...unmade];
}

const ownCommands = ({ pending }: ControllerContext, where: TrackName): readonly Stored<Command>[] =>
  pending
    .for(where.namespace, 'Application', where.application)
    .filter(({ spec }) => (spec.environment ?? DEFAULT_ENVIRONMENT) === where.environment);

async function saveTrack(
  context: ControllerContext,
  where: TrackName,
  { track }: GatheredTrack,
  status: TrackStatus,
): Promise<void> {
  const { store } = context;
  if (track !== undefined) {
    if (!equalJson(track.status, status)) await store.updateStatus<Track>({ ...track, status });
    return;
  }
  await store.create<Track>({
    apiVersion: API_VERSION,
    kind: 'Track',
    metadata: { name: trackName(where), namespace: where.namespace, labels: labelsOf(where) },
    spec: { application: where.application, environment: where.environment },
    status,
  });
}
