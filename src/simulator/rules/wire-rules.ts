import type { Fence } from '../../drivers/cluster-driver.ts';
import { EARLY_SUFFIX, UNKNOWN_SUBJECT, UNKNOWN_SUFFIX } from '../foreign-orders.ts';
import type { Role } from '../platform.ts';
import type { World } from './rule.ts';

/** Rules of who speaks to whom: INV-16 and INV-19. */
export class WireRules {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * INV-16: an order goes to an agent of the version that it was made by, and to no other.
   *
   * @param version of the agent at that link
   */
  sent(from: Role, text: string, version: string): void {
    if (from === 'manager' && text.startsWith('{"type":"order"')) {
      const made = /"slipwayVersion":"([^"]+)"/.exec(text)?.[1];
      if (made !== version)
        this.#world.violated('INV-16', `an order of version ${made} was sent to an agent of ${version}`);
    }
    if (from === 'agent' && text.startsWith('{"type":"accepted"') && text.includes(`${UNKNOWN_SUFFIX}"`))
      this.#world.violated('INV-19', `the agent accepted what it cannot understand: ${text}`);
    // INV-15: whoever sends it, a step is taken only when the one before it has ended.
    if (from === 'agent' && text.startsWith('{"type":"accepted"') && text.includes(`${EARLY_SUFFIX}"`))
      this.#world.violated('INV-15', `the agent took a step before its turn: ${text}`);
  }

  /** INV-19: nothing follows from what is not understood. */
  effect(fence: Fence | null): void {
    if (fence?.subject === UNKNOWN_SUBJECT)
      this.#world.violated('INV-19', 'an order that is not understood had an effect');
  }
}
