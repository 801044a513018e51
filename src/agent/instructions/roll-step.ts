/** Where a rolling update stands; counts of instances. */
export interface RollState {
  /** Size that the new side should get. */
  readonly full: number;
  /** Size that the old side had. */
  readonly fullOld: number;
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
 * The next step of a rolling update: never more than the larger size + surge wanted, never fewer than that
 * size − unavailable ready until the new side is whole (INV-7). Pure, so that a restart goes on from what is there.
 */
export function rollStep(state: RollState): RollStep {
  const { full, surge, unavailable, newWanted, newReady, oldWanted } = state;
  const most = Math.max(full, state.fullOld);
  const oldNeeded = newReady >= full ? 0 : Math.max(0, most - unavailable - newReady);
  if (oldWanted > oldNeeded) return { do: 'shrink', to: oldNeeded };
  const room = most + surge - newWanted - oldWanted;
  if (newWanted < full && room > 0) return { do: 'grow', to: Math.min(full, newWanted + room) };
  if (newWanted >= full && newReady >= full && oldWanted === 0) return { do: 'done' };
  return newWanted < full && newReady >= newWanted ? { do: 'stuck' } : { do: 'wait' };
}
