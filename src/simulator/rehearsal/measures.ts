import type { GateRun } from '../../api/execution.ts';
import type { Release } from '../../api/release.ts';
import { hasEnded } from '../../engine/release/state.ts';
import type { ClusterEffect } from '../cluster-effect.ts';
import type { FailedRequest } from '../ledger.ts';
import type { Written } from '../observed-store.ts';
import type { Onlooker, Watched } from '../onlooker.ts';

export interface LowestCapacity {
  readonly workload: string;
  readonly serving: number;
  /** At the least, less what may be unavailable. */
  readonly of: number;
  readonly atMs: number;
}

export interface LongestWait {
  readonly ms: number;
  /** What it waited for, in the release's own words. */
  readonly message: string;
  readonly atMs: number;
}

/** Going back after the release had succeeded. */
export interface WayBack {
  /** So long after it had. */
  readonly afterMs: number;
  readonly wasWarm: boolean;
  /** From the word to all traffic on the old version; null: it never came there. */
  readonly tookMs: number | null;
  readonly phase: string;
}

export interface GateTally {
  asked: number;
  passed: number;
  message: string;
}

/** Waits that are people's or the clock's own: they say nothing about how the platform did. */
const INTENDED = new Set(['approval', 'promotion', 'person', 'soak', 'nothing']);

/** Figures of one run, from what can be seen from outside. */
export class Measures implements Onlooker {
  readonly gates: Record<string, GateTally> = {};
  readonly failures: FailedRequest[] = [];
  /** Moments at which the release changed something, ms. */
  readonly moments: number[] = [];
  lowest: LowestCapacity | null = null;
  longest: LongestWait | null = null;
  release: Release | undefined;
  wayBack: WayBack | null = null;
  succeededAtMs: number | null = null;
  endedAtMs: number | null = null;
  readonly #name: string;
  readonly #fromMs: number;
  readonly #full: Readonly<Record<string, number>>;
  readonly #wasFull = new Set<string>();
  readonly #seenGates = new Set<string>();
  /** `r1`: how the old revision ends the names of its versions. */
  readonly #old: string | null;
  #watched: Watched | undefined;
  #spell: { key: string; since: number; message: string } | null = null;
  #asked: { atMs: number; release: string; wasWarm: boolean } | null = null;

  /** @param full by workload: the smaller of its sizes before and after, less what may be unavailable. */
  constructor(options: {
    release: string;
    fromMs: number;
    full: Readonly<Record<string, number>>;
    oldRevision: string | null;
  }) {
    this.#name = options.release;
    this.#fromMs = options.fromMs;
    this.#full = options.full;
    this.#old = options.oldRevision;
  }

  begins(watched: Watched): void {
    this.#watched = watched;
  }

  /** For how long the release has waited for what it waits for now. */
  get askedForMs(): number {
    return this.#spell === null ? 0 : this.#now - this.#spell.since;
  }

  get #now(): number {
    return Math.round(this.#watched?.world.timeline.now ?? 0);
  }

  written({ object, deleted }: Written): void {
    if (deleted) return;
    if (object.kind === 'GateRun') this.#gate(object as unknown as GateRun);
    if (object.kind === 'Release') this.#release(object as unknown as Release);
  }

  effect(effect: ClusterEffect): void {
    if (this.#now < this.#fromMs || effect.type === 'refused') return;
    this.moments.push(this.#now);
    if (effect.type !== 'traffic' || this.#asked === null || this.wayBack?.tookMs != null) return;
    const back = Object.entries(effect.wish.weights).find(([, weight]) => weight === 100)?.[0];
    if (back?.endsWith(`-${this.#old}`) !== true) return;
    this.wayBack = { ...this.#wayBack('RollingBack'), tookMs: this.#now - this.#asked.atMs };
  }

  failed(request: FailedRequest): void {
    if (request.atMs >= this.#fromMs) this.failures.push(request);
  }

  look(): void {
    const world = this.#watched?.world;
    if (world === undefined || this.#now < this.#fromMs) return;
    for (const { key, inForce, pools } of world.cluster.plane.services.values()) {
      const of = this.#full[key.workload];
      if (inForce === undefined || of === undefined) continue;
      let serving = 0;
      for (const [version, weight] of Object.entries(inForce.weights))
        if (weight > 0) serving += pools.get(version)?.size ?? 0;
      // Before it is there for the first time there is nothing that could fall.
      if (serving >= of) this.#wasFull.add(key.workload);
      if (!this.#wasFull.has(key.workload)) continue;
      if (this.lowest === null || serving / of < this.lowest.serving / this.lowest.of)
        this.lowest = { workload: key.workload, serving, of, atMs: this.#now };
    }
  }

  #gate({ metadata, spec, status }: GateRun): void {
    if (spec.release !== this.#name || status?.state !== 'done' || this.#seenGates.has(metadata.name)) return;
    this.#seenGates.add(metadata.name);
    const tally = this.gates[spec.gate.name] ?? { asked: 0, passed: 0, message: '' };
    this.gates[spec.gate.name] = tally;
    tally.asked += 1;
    if (status.verdict === 'pass') tally.passed += 1;
    else tally.message = status.message;
  }

  #release(release: Release): void {
    const { metadata, spec, status } = release;
    if (spec.reason === 'rollback' && this.succeededAtMs !== null && metadata.name !== this.#name) {
      this.#asked ??= { atMs: this.#now, release: metadata.name, wasWarm: spec.toWasWarm };
      if (metadata.name === this.#asked.release)
        this.wayBack = { tookMs: null, ...this.wayBack, ...this.#wayBack(status?.phase ?? 'Pending') };
    }
    if (metadata.name !== this.#name) return;
    this.release = release;
    if (status === undefined) return;
    if (status.phase === 'Succeeded') this.succeededAtMs ??= this.#now;
    if (hasEnded(status.phase)) this.endedAtMs ??= this.#now;
    this.#waits(`${status.direction}/${status.stage}/${status.step}/${status.waiting.for}`, status.waiting);
  }

  #waits(key: string, { for: what, message }: { readonly for: string; readonly message: string }): void {
    if (this.#spell?.key === key) {
      this.#spell.message = message;
      return;
    }
    if (this.#spell !== null) {
      const ms = this.#now - this.#spell.since;
      if (ms > (this.longest?.ms ?? 0))
        this.longest = { ms, message: this.#spell.message, atMs: this.#spell.since };
    }
    this.#spell = INTENDED.has(what) ? null : { key, since: this.#now, message };
  }

  #wayBack(phase: string): Omit<WayBack, 'tookMs'> {
    const { atMs = 0, wasWarm = false } = this.#asked ?? {};
    return { afterMs: atMs - (this.succeededAtMs ?? 0), wasWarm, phase };
  }
}
