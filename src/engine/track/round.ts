import type { Claim, RevisionSpec, TrackStatus } from '../../api/revision.ts';
import type { ErrorDetail } from '../../lib/errors.ts';
import type { Unbegun } from '../release/state.ts';
import { automatic } from './automatic.ts';
import { admission, heldClaim, inTheWay, planDiffers, releaseName } from './claim.ts';
import type { TrackCommand, TrackEffect, TrackInput, WantedApplication } from './input.ts';
import { type Destination, destinationOf, planClaim, revisionSpec } from './plan-claim.ts';
import { isWorking } from './work.ts';

export type Answer = { state: 'done' | 'refused'; message: string; result?: Record<string, unknown> };

export const refused = (message: string): Answer => ({ state: 'refused', message });
export const refusedDetails = (errors: readonly ErrorDetail[]): Answer => refused(sentenceOf(errors));

const sentenceOf = (errors: readonly ErrorDetail[]): string =>
  errors.map(({ path, message }) => `${path}: ${message}`).join('; ');

/** Beginning of the claim of a change that releases by itself. */
const AUTOMATIC = 'auto:';

/** What a claim brings with it when it is accepted. */
interface ClaimTerms {
  /** Beginning of the plan's hash that was asked for. */
  readonly plan?: unknown;
  /** The hold afterwards; absent: as it is. */
  readonly hold?: TrackStatus['hold'];
}

/** The track in the making and who gets its place: claims, their queue, and the objects that they ask for. */
export class TrackRound {
  readonly input: TrackInput;
  track: TrackStatus;
  readonly effects: TrackEffect[] = [];
  /** Revisions made in this round. */
  private readonly made: Record<string, RevisionSpec> = {};

  constructor(input: TrackInput, track: TrackStatus) {
    this.input = input;
    this.track = track;
  }

  /** The application's spec as people and the commands of this round wrote it. */
  get written(): unknown {
    return this.effects.find((each) => each.type === 'scaleApplication')?.spec ?? this.input.written;
  }

  /** One write for all commands of the round: a second one would be against a state that the first has changed. */
  write(spec: unknown, by: string): void {
    const before = this.effects.findIndex(({ type }) => type === 'scaleApplication');
    if (before >= 0) this.effects.splice(before, 1);
    this.effects.push({ type: 'scaleApplication', spec, by });
  }

  /** A change of the application that makes a revision, when changes release by themselves. */
  releaseChanges(): void {
    const { wanted, generation, changedBy } = this.input;
    const change = automatic(this.input, this.track);
    if (change === 'off' || !wanted.ok) return;
    const { digest } = wanted.value;
    // A new secret or template may change what runs as well: then the application's last author did not.
    const by = generation === this.track.generation ? null : changedBy;
    if (generation !== this.track.generation) this.track = { ...this.track, generation };
    if (change === 'known') this.track = { ...this.track, attempted: digest };
    if (change !== 'begins') return;
    const destination = destinationOf(this.input, this.track, wanted.value);
    const at = new Date(this.input.now).toISOString();
    this.claim(
      wanted.value,
      destination,
      { claim: `${AUTOMATIC}${digest}`, reason: 'release', by: by ?? 'slipway', why: null, at },
      {},
    );
  }

  /** A person's command for what an automatic claim brings already: the claim becomes theirs, with their reason. */
  takeOver(claim: Claim, { uid, by, why }: Pick<TrackCommand, 'uid' | 'by' | 'why'>): void {
    if (!claim.claim.startsWith(AUTOMATIC)) return;
    const theirs = { ...claim, claim: uid, by, why };
    const { active, queue } = this.track;
    this.track = {
      ...this.track,
      active: active === claim ? theirs : active,
      queue: queue.map((each) => (each === claim ? theirs : each)),
    };
    if (this.input.releases[claim.release] !== undefined)
      this.effects.push({ type: 'nameRelease', name: claim.release, by, why });
  }

  claim(
    wanted: WantedApplication,
    destination: Destination,
    request: Pick<Claim, 'claim' | 'reason' | 'by' | 'why' | 'at'>,
    terms: ClaimTerms,
  ): Answer {
    const held = heldClaim(this.track, request.claim);
    if (held !== undefined)
      return { state: 'done', message: `release ${held.release}`, result: { release: held.release } };
    const { digest } = destination.spec;
    const planned = planClaim(this.input, this.track, wanted, destination, request);
    if (!planned.ok) {
      const message = sentenceOf(planned.error);
      this.track = { ...this.track, attempted: digest, refusal: { message, digest, at: request.at } };
      return refused(message);
    }
    const { hash } = planned.value.plan;
    const differs = planDiffers(terms.plan, hash);
    if (differs !== null) return refused(differs);
    const { active, queue } = this.track;
    const release = active === null ? undefined : this.input.releases[active.release];
    const policy =
      active === null
        ? 'start'
        : admission(wanted.resolved.policy, release?.status ?? { flipped: false, direction: 'forward' });
    if (policy === 'reject') {
      this.track = { ...this.track, attempted: digest };
      return refused(`release ${active?.release} is under way and the policy rejects a second one`);
    }
    const { name, attempts } = releaseName(this.track, destination.revision);
    const claim: Claim = {
      ...request,
      release: name,
      revision: destination.revision,
      number: destination.spec.number,
      digest,
      supersedes: policy === 'supersede',
      ...(policy === 'supersede' && wanted.resolved.policy.supersede.afterFlip === 'supersede'
        ? { supersedesFlipped: true }
        : {}),
      ...(terms.plan === undefined ? {} : { plan: hash }),
    };
    // What waits has not begun, so it is before its flip, whatever the active one is.
    const overtakes = policy !== 'start' && wanted.resolved.policy.supersede.beforeFlip === 'supersede';
    const gives = overtakes || policy === 'supersede';
    // What would release by itself does so no more once a rollback holds it.
    const holds = terms.hold !== undefined && terms.hold !== null;
    const kept = queue.filter((each) => !gives && !(holds && each.claim.startsWith(AUTOMATIC)));
    for (const each of queue) if (!kept.includes(each)) this.drop(each, { by: name });
    this.track = {
      ...this.track,
      attempts,
      attempted: digest,
      refusal: null,
      nextRevision: Math.max(this.track.nextRevision, destination.spec.number + 1),
      ...(terms.hold === undefined ? {} : { hold: terms.hold }),
      ...(policy === 'start' ? { active: claim, queue: kept } : { queue: [...kept, claim] }),
    };
    this.made[destination.revision] = destination.spec;
    const behind = active === null ? '' : `, ${inTheWay(policy === 'supersede', active, release?.status)}`;
    return {
      state: 'done',
      message: `release ${name}${behind}`,
      result: { release: name, revision: destination.revision, plan: hash },
    };
  }

  /** A person gives up a release that is not made: its number stays taken, and it says who ended it. */
  giveUp(claim: Claim, { by, at, why }: Pick<TrackCommand, 'by' | 'at' | 'why'>): void {
    const { active, queue } = this.track;
    this.track = {
      ...this.track,
      active: active === claim ? null : active,
      queue: queue.filter((each) => each !== claim),
    };
    this.drop(claim, { by, abort: { at, why } });
  }

  /** The head of the queue becomes the active one. */
  activate(): void {
    if (this.input.deleting) this.giveUpClaims();
    const [head, ...rest] = this.track.queue;
    if (this.track.active !== null || head === undefined) return;
    this.track = { ...this.track, queue: rest };
    if (head.revision === this.track.live) this.drop(head, { by: head.revision });
    else this.track = { ...this.track, active: { ...head, supersedes: false } };
  }

  /** What is claimed exists: revisions of all claims, the release of the active one, the end of dropped ones. */
  ensureClaimed(): void {
    const { wanted, revisions, releases } = this.input;
    for (const claim of [this.track.active, ...this.track.queue]) this.ensureRevision(claim);
    this.ensureDropped();
    const { active } = this.track;
    if (active === null || releases[active.release] !== undefined || !wanted.ok) return;
    const spec = revisions[active.revision] ?? this.made[active.revision];
    // Work outside releases ends first: two orders for one service never overlap (INV-21).
    if (spec === undefined || isWorking(this.input, this.track)) return;
    const destination = { revision: active.revision, spec };
    const planned = planClaim(this.input, this.track, wanted.value, destination, active);
    const problem = planned.ok
      ? planDiffers(active.plan, planned.value.plan.hash)
      : sentenceOf(planned.error);
    if (!planned.ok || problem !== null) {
      this.refuseActive(problem ?? '');
      return;
    }
    if (revisions[active.revision] !== undefined)
      this.effects.push({ type: 'holdRevision', name: active.revision, release: active.release });
    this.effects.push({ type: 'createRelease', name: active.release, spec: planned.value });
  }

  /** Numbers only rise: a revision that is gone is never released again under its name. */
  forgetAttempts(): void {
    const { active, queue, attempts } = this.track;
    const claimed = new Set([active, ...queue].map((claim) => claim?.revision));
    const kept = Object.entries(attempts).filter(
      ([name]) => name in this.input.revisions || name in this.made || claimed.has(name),
    );
    if (kept.length < Object.keys(attempts).length)
      this.track = { ...this.track, attempts: Object.fromEntries(kept) };
  }

  private ensureRevision(claim: Claim | null): void {
    if (claim === null || this.input.revisions[claim.revision] !== undefined) return;
    const { wanted } = this.input;
    const spec =
      this.made[claim.revision] ??
      (wanted.ok ? revisionSpec(this.input, wanted.value, claim.number) : undefined);
    if (spec === undefined) return;
    if (spec.digest === claim.digest) {
      this.made[claim.revision] = spec;
      this.effects.push({ type: 'createRevision', name: claim.revision, spec });
      return;
    }
    // Its content was never stored, and the application is another by now (INV-26).
    const message = `the application changed before ${claim.revision} was stored`;
    if (claim === this.track.active) this.refuseActive(message);
    else this.track = { ...this.track, queue: this.track.queue.filter((each) => each !== claim) };
  }

  private refuseActive(message: string): void {
    const { active } = this.track;
    if (active === null) return;
    const at = new Date(this.input.now).toISOString();
    this.track = { ...this.track, active: null, refusal: { message, digest: active.digest, at } };
  }

  private drop(claim: Claim, unbegun: Unbegun): void {
    this.track = { ...this.track, dropped: [...(this.track.dropped ?? []), { claim, ...unbegun }] };
  }

  /** A release that was promised and will not come says so, as one that has ended. */
  private ensureDropped(): void {
    const { wanted, revisions, releases } = this.input;
    const { dropped, ...rest } = this.track;
    if (dropped === undefined) return;
    const open = dropped.filter(({ claim, ...unbegun }) => {
      if (releases[claim.release] !== undefined) return false;
      const spec = revisions[claim.revision] ?? this.made[claim.revision];
      if (spec === undefined || !wanted.ok) return false;
      const planned = planClaim(
        this.input,
        this.track,
        wanted.value,
        { revision: claim.revision, spec },
        claim,
      );
      if (!planned.ok) return false;
      this.effects.push({ type: 'createRelease', name: claim.release, spec: planned.value, unbegun });
      return true;
    });
    this.track = open.length === 0 ? rest : { ...rest, dropped: open };
  }

  /** Deletion: a release that was not made is not made any more; one that was, turns back. */
  private giveUpClaims(): void {
    const { active } = this.track;
    const there = active !== null && this.input.releases[active.release] !== undefined;
    this.track = { ...this.track, queue: [], active: there ? active : null };
  }
}
