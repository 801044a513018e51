import { durationMs } from '../../api/duration.ts';
import type { Execution } from '../../api/execution.ts';
import type { Stored } from '../../api/meta.ts';
import type { Release, ReleaseStatus } from '../../api/release.ts';
import { decide } from '../../engine/release/decide.ts';
import { replayInput } from '../../engine/release/record.ts';
import { hasEnded, PHASE_ARROWS } from '../../engine/release/state.ts';
import { canonicalJson } from '../../lib/digest.ts';
import type { Written } from '../observed-store.ts';
import { releasesOf, type World } from './rule.ts';

/** Decisions between two that are made again. */
const REPLAY_EVERY = 7;
/** Who asked for it may be told later than that it was asked for; what it does may not. */
const inputsOf = ({ spec }: Stored<Release>): string =>
  canonicalJson({ ...spec, requestedBy: null, why: null });
const FINAL = new Set(['Succeeded', 'Failed', 'Cancelled', 'Refused']);

/** Rules of what is committed about releases: INV-7, 12, 15, 17, 20, 21, 26, and the arrows of the state machine. */
export class ReleaseRules {
  /** `from → to` of phases, with how often. */
  readonly transitions: Record<string, number> = {};
  readonly steps: Record<string, number> = {};
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  seen({ kind, object, before, deleted }: Written): void {
    if (deleted) return;
    if (kind === 'Release') this.#release(object as Stored<Release>, before as Stored<Release> | undefined);
    if (kind === 'Execution' && before === undefined) this.#ordered(object as Stored<Execution>);
    if (kind === 'Execution' && before !== undefined)
      this.#reported(object as Stored<Execution>, before as Stored<Execution>);
  }

  #release(release: Stored<Release>, before: Stored<Release> | undefined): void {
    const { violated } = this.#world;
    const { name } = release.metadata;
    if (
      before !== undefined &&
      before.metadata.generation !== release.metadata.generation &&
      inputsOf(before) !== inputsOf(release)
    )
      violated('INV-26', `the frozen spec of ${name} changed`);
    const [was, is] = [before?.status, release.status];
    if (is === undefined) return;
    this.#count(this.steps, `${is.direction}/${is.step}`);
    if (was !== undefined && was.phase !== is.phase) {
      this.#count(this.transitions, `${was.phase} → ${is.phase}`);
      if (!PHASE_ARROWS[was.phase].includes(is.phase) && !this.#shortcut(was, is))
        violated('INV-28', `${name} went from ${was.phase} to ${is.phase}, which no arrow allows`);
    }
    if (was === undefined) this.#count(this.transitions, `→ ${is.phase}`);
    if (was !== undefined && is.epoch < was.epoch)
      violated('INV-12', `the epoch of ${name} fell from ${was.epoch} to ${is.epoch}`);
    if (was?.direction === 'back' && is.direction === 'forward')
      violated('INV-20', `${name} turned back and goes forward again`);
    if (was !== undefined) this.#waited(release, was);
    this.#one(release);
    this.#replays(release);
    // What was decided in the knowledge that a newer one supersedes it (peers.md row 17).
    const isSuperseded = is.decision?.input.includes('"supersededBy":"') === true;
    if (isSuperseded && is.direction === 'forward' && !hasEnded(is.phase))
      violated('INV-28', `${name} was superseded and goes on, ${is.phase}`);
  }

  /** A pause has a clock of its own and lasts as long as the policy says, whatever went before (peers.md row 14). */
  #waited({ metadata, spec, status }: Stored<Release>, was: ReleaseStatus): void {
    const turn = status?.turn;
    // An approval that expires beside it has a clock of its own too.
    if (was.pause === null || was.turn !== null || turn?.by !== 'clock') return;
    if (turn.why?.startsWith('paused since') !== true) return;
    const pausedMs = Date.parse(turn.at) - Date.parse(was.pause.since);
    if (pausedMs < durationMs(spec.policy.pauseExpiry))
      this.#world.violated('INV-28', `${metadata.name} waited ${pausedMs} ms of ${spec.policy.pauseExpiry}`);
  }

  /** One decision may pass several arrows. */
  #shortcut(was: ReleaseStatus, is: ReleaseStatus): boolean {
    const reach = new Set<string>([was.phase]);
    for (const phase of reach)
      for (const next of PHASE_ARROWS[phase as ReleaseStatus['phase']]) reach.add(next);
    return !hasEnded(was.phase) && reach.has(is.phase);
  }

  #one({ metadata, spec, status }: Stored<Release>): void {
    if (status === undefined || status.phase === 'Pending' || hasEnded(status.phase)) return;
    for (const other of releasesOf(this.#world)) {
      if (other.metadata.name === metadata.name) continue;
      if (other.spec.application !== spec.application || other.spec.environment !== spec.environment)
        continue;
      const phase = other.status?.phase ?? 'Pending';
      if (phase !== 'Pending' && !hasEnded(phase))
        this.#world.violated(
          'INV-21',
          `${metadata.name} (${status.phase}) and ${other.metadata.name} (${phase}) run at once`,
        );
    }
  }

  /** INV-17: the latest decision, made again from its record, decides the same. */
  #replays(release: Stored<Release>): void {
    const { status, spec, metadata } = release;
    if (status?.decision === null || status?.decision === undefined) return;
    // One in a few, since deciding again costs as much as the run itself.
    if (Number(metadata.resourceVersion) % REPLAY_EVERY !== 0) return;
    const input = replayInput(spec, status.decision.input);
    if (input === undefined) return;
    const again = decide(input).status;
    const same = (each: ReleaseStatus) =>
      canonicalJson({ ...each, decision: null, observedGeneration: null, receipt: null });
    if (same(again) !== same(status))
      this.#world.violated(
        'INV-17',
        `the decision of ${metadata.name} at ${status.decision.at} cannot be replayed`,
      );
  }

  /** INV-15 at the moment of a new order. */
  #ordered({ metadata, spec }: Stored<Execution>): void {
    for (const object of this.#world.objects.values()) {
      if (object.kind !== 'Execution' || object.metadata.name === metadata.name) continue;
      const other = object as Stored<Execution>;
      if (other.spec.subject !== spec.subject || other.spec.epoch !== spec.epoch) continue;
      if (other.spec.sequence < spec.sequence && !this.#complete(other))
        this.#world.violated(
          'INV-15',
          `${metadata.name} was ordered before ${other.metadata.name} was complete`,
        );
    }
  }

  /** It has ended. One that only asks changes nothing, and a person's word may answer before it does. */
  #complete({ spec, status }: Stored<Execution>): boolean {
    return FINAL.has(status?.phase ?? 'Pending') || spec.instructions.every(({ type }) => type === 'runGate');
  }

  /** What has ended stays as it ended. */
  #reported(execution: Stored<Execution>, before: Stored<Execution>): void {
    const [was, is] = [before.status?.phase ?? 'Pending', execution.status?.phase ?? 'Pending'];
    if (FINAL.has(was) && was !== is)
      this.#world.violated('INV-13', `${execution.metadata.name} was ${was} and became ${is}`);
  }

  #count(counts: Record<string, number>, key: string): void {
    counts[key] = (counts[key] ?? 0) + 1;
  }
}
