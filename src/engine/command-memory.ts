/** Commands that a status remembers with their outcome: it stays far below what an object may hold. */
export const KEPT_COMMANDS = 50;

/** When the commands that found no room are looked at again, in ms. Their answers make room. */
export const ROOM_MS = 10;

interface Named {
  readonly uid: string;
}

/**
 * Which commands may be decided now. One that was decided and whose answer a crash has lost asks again, so it must
 * still be remembered: no more are decided at once than memory holds beside those that still ask. The rest waits,
 * oldest first.
 */
export function decidable<C extends Named>(
  asking: readonly C[],
  remembered: readonly Named[],
): { readonly now: readonly C[]; readonly later: boolean } {
  const known = new Set(remembered.map(({ uid }) => uid));
  let room = KEPT_COMMANDS - asking.filter(({ uid }) => known.has(uid)).length;
  const now = asking.filter(({ uid }) => known.has(uid) || room-- > 0);
  return { now, later: now.length < asking.length };
}

/** Memory with one command more; what goes is the oldest that nobody asks for any more. */
export function remember<C extends Named>(remembered: readonly C[], added: C, asking: readonly Named[]): C[] {
  const asks = new Set(asking.map(({ uid }) => uid));
  const all = [...remembered, added];
  let surplus = all.length - KEPT_COMMANDS;
  return all.filter(({ uid }) => asks.has(uid) || surplus-- <= 0);
}
