import type { WorkloadWish } from '../cluster-driver.ts';

/**
 * What one workload needs next: pure, so that INV-7 can be tested over every mixture of instances. Decides
 * from what is there now alone, so it may be asked as often as anything changes.
 */
export interface Member {
  readonly id: string;
  readonly ordinal: number;
  /** Restart round that it was started in; a lower one than the workload's is to be replaced. */
  readonly round: number;
  /** `exited`: why is not known yet, so its place is not filled before its failure has been counted. */
  readonly state: 'starting' | 'ready' | 'notReady' | 'retiring' | 'exited';
  /** Serves as the router acknowledged it. Workers never are. */
  readonly admitted: boolean;
  readonly restarts: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

export interface WorkloadNeed {
  readonly replicas: number;
  readonly round: number;
  /** Instances over `replicas` while a round replaces another. At least 1. */
  readonly surge: number;
  /** A ready instance of a service counts only once it is admitted. */
  readonly takesTraffic: boolean;
  readonly members: readonly Member[];
  /** Earliest next start per ordinal, where a start failed. Milliseconds since 1970. */
  readonly notBefore: ReadonlyMap<number, number>;
  readonly now: number;
}

export interface WorkloadPlan {
  /** Ordinals to start an instance for. */
  readonly start: readonly number[];
  readonly retire: readonly string[];
  /** When to look again though nothing changed; null: when something changes. */
  readonly wakeAt: number | null;
}

export function planWorkload(need: WorkloadNeed): WorkloadPlan {
  const staying = need.members.filter((member) => member.state !== 'retiring');
  const live = staying.filter((member) => member.state !== 'exited');
  return { ...starts(need, staying), retire: retirements(need, live) };
}

function starts(need: WorkloadNeed, staying: readonly Member[]): { start: number[]; wakeAt: number | null } {
  const current = staying.filter((member) => member.round === need.round);
  const taken = new Set(current.map((member) => member.ordinal));
  const old = staying.length - current.length;
  // Without old ones there is nothing to surge over.
  const ceiling = need.replicas === 0 ? 0 : need.replicas + (old > 0 ? need.surge : 0);
  const room = Math.min(need.replicas - current.length, ceiling - staying.length);
  const start: number[] = [];
  let wakeAt: number | null = null;
  let slots = 0;
  for (let ordinal = 0; slots < room; ordinal += 1) {
    if (taken.has(ordinal)) continue;
    slots += 1;
    const earliest = need.notBefore.get(ordinal) ?? 0;
    if (earliest <= need.now) start.push(ordinal);
    else wakeAt = Math.min(wakeAt ?? earliest, earliest);
  }
  return { start, wakeAt };
}

/**
 * Surplus, worst first. INV-7: one that is good goes only while at least `replicas` others are good, so a
 * surplus is kept as long as the ones that should stay cannot do its work; and one that is not, but has the traffic
 * for want of a better one, goes only when another has it.
 */
function retirements(need: WorkloadNeed, live: readonly Member[]): string[] {
  const isGood = (member: Member): boolean =>
    member.state === 'ready' && (member.admitted || !need.takesTraffic);
  let surplus = live.length - need.replicas;
  // One of the round that replaces another is no surplus for being over `replicas`: that is its surge.
  let surplusOfRound = live.filter((member) => member.round === need.round).length - need.replicas;
  let good = live.filter(isGood).length;
  let admitted = live.filter((member) => member.admitted).length;
  const retire: string[] = [];
  for (const member of live.toSorted((a, b) => worstFirst(a, b, need.round))) {
    if (surplus <= 0) break;
    if (member.round === need.round && surplusOfRound <= 0) continue;
    if (isGood(member)) {
      if (good - 1 < need.replicas) continue;
      good -= 1;
    }
    if (need.takesTraffic && need.replicas > 0 && member.admitted) {
      if (admitted <= 1) {
        // It keeps a place, so that those who are to follow it stay as well.
        surplus -= 1;
        if (member.round === need.round) surplusOfRound -= 1;
        continue;
      }
      admitted -= 1;
    }
    if (member.round === need.round) surplusOfRound -= 1;
    surplus -= 1;
    retire.push(member.id);
  }
  return retire;
}

/** Old rounds, then what is not ready, then what restarted last, then the highest ordinal. */
function worstFirst(a: Member, b: Member, round: number): number {
  const restartedAt = (member: Member): number => (member.restarts > 0 ? member.startedAt : 0);
  return (
    Number(b.round < round) - Number(a.round < round) ||
    Number(a.state === 'ready') - Number(b.state === 'ready') ||
    restartedAt(b) - restartedAt(a) ||
    b.ordinal - a.ordinal
  );
}

/** How many more than wanted while a restart replaces them; revisions that do not say get one. */
export function surgeOf({ spec, replicas }: WorkloadWish): number {
  const { maxSurge } = spec as { maxSurge?: unknown };
  const asked =
    typeof maxSurge === 'string'
      ? Math.ceil((replicas * Number.parseInt(maxSurge, 10)) / 100)
      : Number(maxSurge ?? 1);
  return Math.max(1, Number.isFinite(asked) ? asked : 1);
}
