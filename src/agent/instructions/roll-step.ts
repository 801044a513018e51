/** Where a rolling update stands; counts of instances. */
export interface RollState {
  readonly full: number;
  readonly surge: number;
  readonly unavailable: number;
  readonly newWanted: number;
  /** Ready and proven where there is traffic, else ready. */
  readonly newReady: number;
  readonly oldWanted: number;
}

export type RollStep =
  | { readonly do: 'grow'; readonly to: number }
  /** Traffic first follows the capacity that will be left, then the old side shrinks. */
  | { readonly do: 'shrink'; readonly to: number }
  | { readonly do: 'wait' }
  | { readonly do: 'stuck' }
  | { readonly do: 'done' };

/**
 * The next step of a rolling update: never more than full + surge wanted, never fewer than
 * full − unavailable ready (INV-7). Pure, so that a restart goes on from what is there.
 */
export function rollStep(state: RollState): RollStep {
  const { full, surge, unavailable, newWanted, newReady, oldWanted } = state;
  const oldNeeded = Math.max(0, full - unavailable - newReady);
  if (oldWanted > oldNeeded) return { do: 'shrink', to: oldNeeded };
  const room = full + surge - newWanted - oldWanted;
  if (newWanted < full && room > 0) return { do: 'grow', to: Math.min(full, newWanted + room) };
  if (newWanted >= full && newReady >= full && oldWanted === 0) return { do: 'done' };
  return newWanted < full && newReady >= newWanted ? { do: 'stuck' } : { do: 'wait' };
}
