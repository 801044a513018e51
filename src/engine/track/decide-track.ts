import type { Claim, RevisionSpec, TrackStatus } from '../../api/revision.ts';
import { admission, heldClaim, releaseName } from './claim.ts';
import type {
  TrackCommand,
  TrackDecision,
  TrackEffect,
  TrackInput,
  TrackReply,
  WantedApplication,
} from './input.ts';
import { type Destination, destinationOf, planClaim, revisionSpec } from './plan-claim.ts';
import { settle } from './settle.ts';
import { decideWork } from './work.ts';

const KEPT_COMMANDS = 50;

/**
 * One application in one environment: what is released next, what is applied in place, what is retired. Pure.
 * The claim of a release — its number and the right to be the active one — is part of the track's own status,
 * so that one compare-and-set takes it before anything else is made (INV-21).
 */
export function decideTrack(input: TrackInput): TrackDecision {
  const round = new TrackRound(input);
  round.settleActive();
  round.applyCommands();
  round.releaseChanges();
  round.activate();
  round.ensureClaimed();
  const worked = decideWork(input, round.track);
  return {
    track: worked.track,
    effects: [...round.effects, ...worked.effects],
    replies: round.replies,
    wakeAt: worked.wakeAt,
  };
}

type Answer = { state: 'done' | 'refused'; message: string; result?: Record<string, unknown> };

class TrackRound {
  readonly input: TrackInput;
  track: TrackStatus;
  readonly effects: TrackEffect[] = [];
  readonly replies: TrackReply[] = [];
  /** Revisions made in this round. */
  private readonly made: Record<string, RevisionSpec> = {};

  constructor(input: TrackInput) {
    this.input = input;
    this.track = input.track;
  }

  settleActive(): void {
    const release = this.track.active === null ? undefined : this.input.releases[this.track.active.release];
    if (release !== undefined) this.track = settle(this.track, release, this.input.now);
  }

  applyCommands(): void {
    for (const command of this.input.commands) {
      const known = this.track.commands.find((each) => each.uid === command.uid);
      const answer: Answer = known ?? this.apply(command);
      const reply: TrackReply = {
        uid: command.uid,
        state: answer.state,
        message: answer.message,
        result: answer.result ?? {},
      };
      this.replies.push(reply);
      if (known === undefined)
        this.track = {
          ...this.track,
          commands: [...this.track.commands, { ...reply, result: { ...reply.result } }].slice(-KEPT_COMMANDS),
        };
    }
  }

  private apply(command: TrackCommand): Answer {
    if (this.input.deleting) return refused(`${this.input.application} is being deleted`);
    switch (command.verb) {
      case 'release':
        return this.release(command);
      case 'rollback':
        return this.rollback(command);
      case 'retry':
        return this.retry(command);
      case 'resume': {
        const { hold } = this.track;
        if (hold === null) return refused('there is no hold');
        this.track = { ...this.track, hold: null };
        return { state: 'done', message: `the hold of ${hold.by} is lifted` };
      }
      case 'scale': {
        const { replicas, workload } = command.parameters;
        if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0)
          return refused('replicas must be a whole number from 0');
        this.effects.push({
          type: 'scaleApplication',
          workload: typeof workload === 'string' ? workload : null,
          replicas,
        });
        return { state: 'done', message: `${this.input.application} is wanted with ${replicas} instances` };
      }
      case 'restart':
        if (this.track.live === null) return refused('nothing is live');
        if (this.track.active !== null) return refused(`release ${this.track.active.release} is under way`);
        if (this.track.work !== null)
          return refused(`${this.track.work.purpose} is under way; try again when it is done`);
        this.track = {
          ...this.track,
          work: {
            execution: '',
            purpose: 'restart',
            revision: this.track.live,
            applied: null,
            claim: command.uid,
          },
        };
        return { state: 'done', message: `every instance of ${this.track.live} is replaced, new before old` };
      default:
        return refused(`an application has no verb ${command.verb}`);
    }
  }

  private release(command: TrackCommand): Answer {
    const { wanted } = this.input;
    if (!wanted.ok) return refused(wanted.error.map((e) => `${e.path}: ${e.message}`).join('; '));
    const destination = destinationOf(this.input, this.track, wanted.value);
    // The same content may be on its way already, by the change that came just before this command.
    const underway = [this.track.active, ...this.track.queue].find(
      (each) => each?.digest === wanted.value.digest,
    );
    const active =
      underway === null || underway === undefined ? undefined : this.input.releases[underway.release];
    if (underway && active?.status.direction !== 'back') {
      const planned = active?.spec.plan.hash;
      const asked = command.parameters.plan;
      if (typeof asked === 'string' && planned !== undefined && !planned.startsWith(asked))
        return refused(planDiffers(asked, planned));
      return {
        state: 'done',
        message: `release ${underway.release} is under way`,
        result: { release: underway.release },
      };
    }
    if (destination.revision === this.track.live && this.track.active === null) {
      return {
        state: 'done',
        message: `${this.track.live} is live already: nothing that runs would change`,
        result: { live: this.track.live },
      };
    }
    this.track = { ...this.track, hold: null };
    return this.claim(
      wanted.value,
      destination,
      { claim: command.uid, reason: 'release', by: command.by, why: command.why, at: command.at },
      command.parameters.plan,
    );
  }

  private rollback(command: TrackCommand): Answer {
    const { wanted, revisions, releases } = this.input;
    if (!wanted.ok) return refused(wanted.error.map((e) => `${e.path}: ${e.message}`).join('; '));
    if (this.track.active !== null) {
      return refused(
        `release ${this.track.active.release} is under way; turn it back with: slipway rollback ${this.track.active.release}`,
      );
    }
    const to = command.parameters.to;
    const ended = command.release === null ? undefined : releases[command.release]?.spec;
    const target =
      typeof to === 'string'
        ? Object.keys(revisions).find((name) => name === to || name.endsWith(`-${to}`))
        : (ended?.from ?? this.track.previous);
    if (target === undefined || target === null)
      return refused(
        typeof to === 'string'
          ? `there is no revision ${to}; there are ${Object.keys(revisions).join(', ')}`
          : 'there is no earlier revision to go back to',
      );
    const spec = revisions[target];
    if (spec === undefined)
      return refused(
        `revision ${target} was collected and cannot come back; see: slipway history ${this.input.application}`,
      );
    if (target === this.track.live) return refused(`${target} is live already`);
    this.track = { ...this.track, hold: { since: command.at, by: command.by, why: command.why } };
    return this.claim(
      wanted.value,
      { revision: target, spec },
      { claim: command.uid, reason: 'rollback', by: command.by, why: command.why, at: command.at },
      command.parameters.plan,
    );
  }

  private retry(command: TrackCommand): Answer {
    const { wanted, revisions, releases } = this.input;
    const ended = command.release === null ? undefined : releases[command.release]?.spec;
    if (ended === undefined) return refused('there is no release to retry');
    if (!wanted.ok) return refused(wanted.error.map((e) => `${e.path}: ${e.message}`).join('; '));
    const spec = revisions[ended.to];
    if (spec === undefined)
      return refused(`revision ${ended.to} was collected; release the application again`);
    if (ended.to === this.track.live) return refused(`${ended.to} is live already`);
    return this.claim(
      wanted.value,
      { revision: ended.to, spec },
      { claim: command.uid, reason: 'retry', by: command.by, why: command.why, at: command.at },
      undefined,
    );
  }

  /** A change of the application that makes a revision, when changes release by themselves. */
  releaseChanges(): void {
    const { wanted, auto, deleting } = this.input;
    if (!auto || deleting || this.track.hold !== null || !wanted.ok) return;
    const { digest } = wanted.value;
    if (digest === this.track.attempted) return;
    const live = this.track.live === null ? undefined : this.input.revisions[this.track.live];
    const underway = [this.track.active, ...this.track.queue].some((each) => each?.digest === digest);
    if (underway || (live?.digest === digest && this.track.active === null)) {
      this.track = { ...this.track, attempted: digest };
      return;
    }
    const destination = destinationOf(this.input, this.track, wanted.value);
    const at = new Date(this.input.now).toISOString();
    this.claim(
      wanted.value,
      destination,
      { claim: `auto:${digest}`, reason: 'release', by: 'slipway', why: null, at },
      undefined,
    );
  }

  private claim(
    wanted: WantedApplication,
    destination: Destination,
    request: Pick<Claim, 'claim' | 'reason' | 'by' | 'why' | 'at'>,
    planAsked: unknown,
  ): Answer {
    const held = heldClaim(this.track, request.claim);
    if (held !== undefined)
      return { state: 'done', message: `release ${held.release}`, result: { release: held.release } };
    const { digest } = destination.spec;
    const planned = planClaim(this.input, this.track, wanted, destination, request);
    if (!planned.ok) {
      const message = planned.error.map((e) => `${e.path}: ${e.message}`).join('; ');
      this.track = { ...this.track, attempted: digest, refusal: { message, digest, at: request.at } };
      return refused(message);
    }
    if (typeof planAsked === 'string' && !planned.value.plan.hash.startsWith(planAsked))
      return refused(planDiffers(planAsked, planned.value.plan.hash));
    const active = this.track.active === null ? undefined : this.input.releases[this.track.active.release];
    const policy =
      this.track.active === null
        ? 'start'
        : admission(wanted.resolved.policy, active?.status ?? { flipped: false, direction: 'forward' });
    if (policy === 'reject') {
      this.track = { ...this.track, attempted: digest };
      return refused(
        `release ${this.track.active?.release} is under way and the policy rejects a second one`,
      );
    }
    const { name, attempts } = releaseName(this.track, destination.revision);
    const claim: Claim = {
      ...request,
      release: name,
      revision: destination.revision,
      number: destination.spec.number,
      digest,
      supersedes: policy === 'supersede',
    };
    this.track = {
      ...this.track,
      attempts,
      attempted: digest,
      refusal: null,
      nextRevision: Math.max(this.track.nextRevision, destination.spec.number + 1),
      ...(policy === 'start'
        ? { active: claim }
        : { queue: policy === 'supersede' ? [claim] : [...this.track.queue, claim] }),
    };
    this.made[destination.revision] = destination.spec;
    const behind =
      policy === 'start'
        ? ''
        : policy === 'queue'
          ? `, queued behind ${this.track.active?.release}`
          : `, supersedes ${this.track.active?.release}`;
    return {
      state: 'done',
      message: `release ${name}${behind}`,
      result: { release: name, revision: destination.revision, plan: planned.value.plan.hash },
    };
  }

  /** The head of the queue becomes the active one. */
  activate(): void {
    const [head, ...rest] = this.track.queue;
    if (this.track.active !== null || head === undefined || this.input.deleting) return;
    if (head.revision === this.track.live) {
      this.track = { ...this.track, queue: rest };
      return;
    }
    this.track = { ...this.track, active: { ...head, supersedes: false }, queue: rest };
  }

  /** What is claimed exists: revisions of all claims, the release of the active one. */
  ensureClaimed(): void {
    const { wanted, revisions, releases } = this.input;
    for (const claim of [this.track.active, ...this.track.queue]) {
      if (claim === null || revisions[claim.revision] !== undefined) continue;
      const spec =
        this.made[claim.revision] ??
        (wanted.ok ? revisionSpec(this.input, wanted.value, claim.number) : undefined);
      if (spec === undefined) continue;
      this.made[claim.revision] = spec;
      this.effects.push({ type: 'createRevision', name: claim.revision, spec });
    }
    const { active } = this.track;
    if (active === null || releases[active.release] !== undefined || !wanted.ok) return;
    const spec = revisions[active.revision] ?? this.made[active.revision];
    if (spec === undefined) return;
    // Work outside releases ends first: two orders for one service never overlap (INV-21).
    if (this.track.work !== null && this.input.work !== undefined && !endedWork(this.input)) return;
    const planned = planClaim(
      this.input,
      this.track,
      wanted.value,
      { revision: active.revision, spec },
      active,
    );
    if (planned.ok) this.effects.push({ type: 'createRelease', name: active.release, spec: planned.value });
    else {
      const message = planned.error.map((e) => `${e.path}: ${e.message}`).join('; ');
      this.track = {
        ...this.track,
        active: null,
        refusal: { message, digest: active.digest, at: new Date(this.input.now).toISOString() },
      };
    }
  }
}

const endedWork = (input: TrackInput): boolean =>
  input.work !== undefined && ['Succeeded', 'Failed', 'Cancelled', 'Refused'].includes(input.work.phase);

const refused = (message: string): Answer => ({ state: 'refused', message });

const planDiffers = (asked: string, planned: string): string =>
  `the plan is ${planned.slice(0, 6)} and not ${asked}: something changed since; look at it again with: slipway plan`;

/** Whether the active release has to make way for the head of the queue. */
export function supersededBy(track: TrackStatus, release: string): string | null {
  const head = track.queue[0];
  return track.active?.release === release && head?.supersedes ? head.release : null;
}
