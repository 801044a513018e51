import { EnvironmentSpec } from '../../src/api/environment.ts';
import type { ExecutionStatus } from '../../src/api/execution.ts';
import type { ReleasePhase, ReleaseSpec, ReleaseStatus, Verb } from '../../src/api/release.ts';
import type { RevisionSpec, TrackStatus } from '../../src/api/revision.ts';
import type { Standing } from '../../src/api/standing.ts';
import { resolveApplication } from '../../src/engine/application/resolve.ts';
import { inPlaceDigest, pinWorkloads, revisionDigest } from '../../src/engine/application/revision.ts';
import { initialStatus } from '../../src/engine/release/state.ts';
import { decideTrack } from '../../src/engine/track/decide-track.ts';
import {
  initialTrack,
  type TrackCommand,
  type TrackDecision,
  type TrackEffect,
  type TrackInput,
  type TrackReply,
} from '../../src/engine/track/input.ts';

type WorkEffect = Extract<TrackEffect, { type: 'createExecution' }>;

/** A service by default; `more` changes it. Version makes the revision. */
export const workloadOf = (version: number, more: Record<string, unknown> = {}) => ({
  command: ['server', String(version)],
  port: {},
  replicas: 6,
  readiness: { http: { path: '/' } },
  ...more,
});

export const workerOf = (version: number, replicas = 2) => ({
  type: 'worker',
  command: ['worker', String(version)],
  replicas,
});

/** A track driven in virtual time by tests: effects make objects in maps; only `decideTrack` is real. */
export class VirtualTrack {
  track: TrackStatus = initialTrack();
  readonly revisions: Record<string, RevisionSpec> = {};
  readonly releases: Record<string, { spec: ReleaseSpec; status: ReleaseStatus }> = {};
  readonly works: Record<string, ExecutionStatus> = {};
  readonly orders: WorkEffect[] = [];
  now = Date.parse('2026-11-20T12:00:00.000Z');
  deleting = false;
  /** What is saved and not carried out: a crash between the two. */
  crashed = false;
  written: unknown;
  changedBy: string | null = null;
  generation = 1;
  environment: EnvironmentSpec;
  /** What the agent says that stands; null: it is not known. */
  standings: Standing[] | null = null;
  private uid = 0;

  constructor(written: unknown, environment: Record<string, unknown> = {}) {
    this.written = written;
    this.environment = EnvironmentSpec.parse({ clusters: ['local'], ...environment });
  }

  apply(written: unknown): this {
    this.written = written;
    this.generation += 1;
    return this.settle();
  }

  step(commands: readonly TrackCommand[] = []): TrackDecision {
    const decision = decideTrack(this.input(commands));
    this.track = decision.track;
    if (!this.crashed) for (const effect of decision.effects) this.carryOut(effect);
    return decision;
  }

  /** Decides until nothing changes any more. */
  settle(): this {
    for (let round = 0; round < 50; round += 1) {
      const before = this.state();
      this.step();
      if (this.state() === before) return this;
    }
    throw new Error('does not settle');
  }

  command(
    verb: Verb,
    parameters: Record<string, unknown> = {},
    release: string | null = null,
    why: string | null = null,
    roles: readonly string[] = ['releaser'],
  ): TrackReply | undefined {
    this.uid += 1;
    const uid = `command-${this.uid}`;
    const at = new Date(this.now).toISOString();
    const { replies } = this.step([{ uid, verb, release, by: 'dana', roles, at, why, parameters }]);
    return replies.find((reply) => reply.uid === uid);
  }

  endRelease(phase: ReleasePhase, name = this.track.active?.release ?? ''): this {
    const release = this.releases[name];
    if (release === undefined) throw new Error(`no release ${name}; ${JSON.stringify(this.track)}`);
    release.status = { ...release.status, phase, endedAt: new Date(this.now).toISOString() };
    return this.settle();
  }

  endWork(phase: ExecutionStatus['phase'], reason?: string): this {
    const work = this.works[this.track.work?.execution ?? ''];
    if (work === undefined) throw new Error(`no work; ${JSON.stringify(this.track.work)}`);
    work.phase = phase;
    work.endedAt = new Date(this.now).toISOString();
    if (reason !== undefined)
      work.failure = { reason, message: '', affects: '', next: '', instruction: null };
    return this.settle();
  }

  later(ms: number): this {
    this.now += ms;
    return this.settle();
  }

  input(commands: readonly TrackCommand[] = []): TrackInput {
    return {
      namespace: 'default',
      application: 'shop',
      environment: 'local',
      environmentSpec: this.environment,
      deleting: this.deleting,
      auto: (this.written as { release?: string }).release !== 'manual',
      written: this.written,
      changedBy: this.changedBy,
      generation: this.generation,
      wanted: this.wanted(),
      track: this.track,
      revisions: this.revisions,
      releases: this.releases,
      standings: this.standings,
      work: this.works[this.track.work?.execution ?? ''],
      commands,
      version: '0.1.0',
      now: this.now,
    };
  }

  private wanted(): TrackInput['wanted'] {
    const resolved = resolveApplication(this.written, { name: 'shop', environment: 'local' });
    if (!resolved.ok) return resolved;
    const workloads = pinWorkloads({
      application: resolved.value,
      source: undefined,
      secretVersion: () => 'v1',
    });
    const digest = revisionDigest(workloads, resolved.value.parameters);
    const inPlace = inPlaceDigest(resolved.value);
    return { ok: true, value: { resolved: resolved.value, workloads, digest, inPlace, source: undefined } };
  }

  private carryOut(effect: TrackEffect): void {
    switch (effect.type) {
      case 'createRevision':
        this.revisions[effect.name] ??= effect.spec;
        return;
      case 'createRelease':
        this.releases[effect.name] ??= {
          spec: effect.spec,
          status: initialStatus(effect.spec, new Date(this.now).toISOString()),
        };
        return;
      case 'createExecution':
        if (this.works[effect.name] !== undefined) return;
        this.orders.push(effect);
        this.works[effect.name] = {
          phase: 'Running',
          instructions: [],
          failure: null,
          traffic: null,
          acceptedAt: null,
          endedAt: null,
        };
        return;
      case 'nameRelease': {
        const release = this.releases[effect.name];
        if (release === undefined) return;
        const { by: requestedBy, why } = effect;
        this.releases[effect.name] = { ...release, spec: { ...release.spec, requestedBy, why } };
        return;
      }
      default:
        return;
    }
  }

  private state(): string {
    return JSON.stringify([this.track, this.revisions, this.releases, this.works]);
  }
}
