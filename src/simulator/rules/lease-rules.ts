import type { Fence } from '../../drivers/cluster-driver.ts';
import type { ClusterEffect } from '../cluster-effect.ts';
import type { Life } from '../life.ts';
import type { NodeClock } from '../node-clock.ts';
import type { World } from './rule.ts';

/**
 * From the look at the lease to the effect an agent reads what is proven, each answer up to 2 s late: what it does
 * so late was begun in time.
 */
const READS_MS = 10_000;

/**
 * INV-23: an agent that has heard nothing for its lease begins nothing; traffic stays as it is. One that stood
 * still may do what it had begun before: it cannot know, and fences stop what is no longer wanted.
 */
export class LeaseRules {
  readonly #world: World;
  readonly #clock: NodeClock;
  readonly #agent: () => Life | null;
  #leaseMs: number | null = null;
  #heardAt = 0;
  #of: Life | null = null;

  constructor(world: World, clock: NodeClock, agent: () => Life | null) {
    this.#world = world;
    this.#clock = clock;
    this.#agent = agent;
  }

  /** A frame reached the agent. */
  heard(life: Life, text: string): void {
    if (life !== this.#agent()) return;
    const welcome = /^\{"type":"welcome".*"leaseMs":(\d+)/.exec(text);
    if (this.#of !== life) this.#leaseMs = null;
    this.#of = life;
    if (welcome !== null) this.#leaseMs = Number(welcome[1]);
    if (this.#leaseMs !== null) this.#heardAt = this.#clock.monotonic;
  }

  effect(effect: ClusterEffect, fence: Fence | null): void {
    if (effect.type === 'traffic' || effect.type === 'removeService')
      this.#begins(`${effect.type} for ${fence?.subject ?? 'nobody'}`);
    if (effect.type === 'wish' && effect.wish.spec.type === 'migration' && effect.before === null)
      this.#begins(`a migration for ${fence?.subject ?? 'nobody'}`);
  }

  ran(program: string): void {
    this.#begins(`command ${program}`);
  }

  #begins(what: string): void {
    const life = this.#agent();
    const since = this.#clock.monotonic - this.#heardAt;
    const lapsedMs = this.#of === life && this.#leaseMs !== null ? since - this.#leaseMs : READS_MS + 1;
    if (lapsedMs <= READS_MS || life === null) return;
    const { timeline } = this.#world;
    if (life.pausedUntil > timeline.now - lapsedMs - READS_MS) return;
    this.#world.violated('INV-23', `${what} begins ${Math.round(lapsedMs)} ms after the lease was over`);
  }
}
