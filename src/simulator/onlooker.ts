import type { ClusterEffect } from './cluster-effect.ts';
import type { FailedRequest } from './ledger.ts';
import type { Written } from './observed-store.ts';
import type { World } from './rules/rule.ts';
import type { Operation } from './scenario.ts';

/** What an onlooker has at hand from the beginning of a run. */
export interface Watched {
  readonly world: World;
  /** Gives people's word at this moment. */
  ask(operation: Operation): void;
}

/**
 * Somebody who sees a run from outside, as its people do: measures it, tells it, or answers what it waits for. It is
 * told of everything in its order; what it does itself goes through people's words alone, so that a run stays as
 * deterministic as whoever looks on.
 */
export interface Onlooker {
  begins?(watched: Watched): void;
  written?(written: Written): void;
  effect?(effect: ClusterEffect): void;
  failed?(request: FailedRequest): void;
  /** After each event that woke somebody. */
  look?(): void;
  /** When the run may end; absent: when nothing moves any more, warm revisions included. */
  isAtRest?(): boolean;
}

/** Several who look on; the run is at rest when all say so. */
export function together(onlookers: readonly Onlooker[]): Onlooker {
  const each = (tell: (onlooker: Onlooker) => void) => {
    for (const onlooker of onlookers) tell(onlooker);
  };
  return {
    begins: (watched) => each((one) => one.begins?.(watched)),
    written: (written) => each((one) => one.written?.(written)),
    effect: (effect) => each((one) => one.effect?.(effect)),
    failed: (request) => each((one) => one.failed?.(request)),
    look: () => each((one) => one.look?.()),
    isAtRest: () => onlookers.every((one) => one.isAtRest?.() ?? true),
  };
}
