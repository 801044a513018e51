import type { Backend } from '../../router/table.ts';

/**
 * Instances that lost their readiness together (the database behind their probe went away) keep serving
 * together; one that was broken long before them stays out.
 */
const TOGETHER_MS = 30_000;

/** What decides whether one instance stands in the table, and as what. */
export interface Candidate {
  readonly id: string;
  readonly state: 'starting' | 'ready' | 'notReady' | 'retiring' | 'exited';
  /** Answered its proof since it was last admitted. */
  readonly proven: boolean;
  /** When its probe last succeeded, ms since 1970; null: never. */
  readonly lastReadyAt: number | null;
}

export interface BackendStates {
  readonly states: ReadonlyMap<string, Backend['state']>;
  /** Serving though not ready, because no instance of this version is. */
  readonly leastBad: readonly string[];
}

/**
 * The table's states of one version's instances. Traffic comes after readiness and proof (INV-1). When not
 * one is both, those that were last stay in: no effect of ours takes the last capacity away (INV-7).
 */
export function backendStates(candidates: readonly Candidate[]): BackendStates {
  const good = (candidate: Candidate): boolean => candidate.state === 'ready' && candidate.proven;
  const lost = candidates.filter(
    (candidate) => candidate.state === 'notReady' && candidate.proven && candidate.lastReadyAt !== null,
  );
  const latest = Math.max(...lost.map((candidate) => candidate.lastReadyAt ?? 0));
  const kept = candidates.some(good)
    ? []
    : lost.filter((candidate) => (candidate.lastReadyAt ?? 0) >= latest - TOGETHER_MS);
  const leastBad = new Set(kept.map((candidate) => candidate.id));

  const states = new Map<string, Backend['state']>();
  for (const candidate of candidates) {
    if (candidate.state === 'exited') continue;
    if (candidate.state === 'retiring') states.set(candidate.id, 'draining');
    else states.set(candidate.id, good(candidate) || leastBad.has(candidate.id) ? 'serving' : 'preview');
  }
  return { states, leastBad: [...leastBad] };
}
