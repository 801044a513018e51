import type { Fence, TrafficWish } from '../cluster-driver.ts';

/** Instances of one version that could serve, as just read. */
export interface VersionCapacity {
  readonly wanted: number;
  /** Ready and proven. */
  readonly proven: number;
}

/**
 * Whether these weights may be written (INV-1, INV-2); a reason where not.
 *
 * Each version whose share rises needs that share of all proven capacity, and no more than it is wanted
 * strong. A shortage does not refuse a write that leaves at least as much capacity in service as now: a
 * broken version must never block the way back (INV-7).
 */
export function trafficRefusal(
  wish: TrafficWish,
  current: TrafficWish | undefined,
  capacityOf: (version: string) => VersionCapacity,
): string | null {
  const weights = Object.entries(wish.weights);
  for (const [version, weight] of weights) {
    if (!Number.isInteger(weight) || weight < 0 || weight > 100) {
      return `the weight of ${version} is ${weight}; weights are whole numbers from 0 to 100 (INV-2)`;
    }
  }
  const sum = weights.reduce((total, [, weight]) => total + weight, 0);
  if (sum !== 100) return `the weights sum to ${sum}; they must sum to 100 (INV-2)`;

  const named = new Set([...Object.keys(wish.weights), ...Object.keys(current?.weights ?? {})]);
  const all = [...named].reduce((total, version) => total + capacityOf(version).proven, 0);
  for (const [version, weight] of weights) {
    const before = current?.weights[version] ?? 0;
    if (weight <= before) continue;
    const { wanted, proven } = capacityOf(version);
    if (proven === 0)
      return `${version} has no instance that is ready and proven, so it gets no traffic (INV-1)`;
    const need = Math.max(1, Math.min(wanted, Math.ceil((weight * all) / 100)));
    if (proven >= need) continue;
    if (current !== undefined && served(wish, capacityOf) >= served(current, capacityOf)) continue;
    return `${version} may not have ${weight} %: ${proven} of ${need} instances are ready and proven (INV-1)`;
  }
  return null;
}

/** How many instances' worth of traffic these weights let through before the weakest version is full. */
function served(wish: TrafficWish, capacityOf: (version: string) => VersionCapacity): number {
  return Math.min(
    ...Object.entries(wish.weights)
      .filter(([, weight]) => weight > 0)
      .map(([version, weight]) => (capacityOf(version).proven * 100) / weight),
  );
}

/** INV-12: an order that a later one of the same subject has overtaken. */
export function lateness(fence: Fence, current: Fence): string | null {
  if (fence.subject !== current.subject) return null;
  const isLate =
    fence.epoch < current.epoch || (fence.epoch === current.epoch && fence.sequence < current.sequence);
  return isLate
    ? `${fence.subject} ${fence.epoch}.${fence.sequence} was overtaken by ${current.epoch}.${current.sequence} (INV-12)`
    : null;
}
