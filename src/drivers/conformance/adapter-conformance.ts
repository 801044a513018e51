import { adoptionConformance } from './adoption-conformance.ts';
import type { AdapterCase } from './base-conformance.ts';
import { drainConformance } from './drain-conformance.ts';
import { evidenceConformance } from './evidence-conformance.ts';
import { failureConformance } from './failure-conformance.ts';
import { trafficConformance } from './traffic-conformance.ts';
import { workloadConformance } from './workload-conformance.ts';

/**
 * What the agent relies on of a ClusterDriver and the TrafficRouter beside it. Every adapter runs each case with
 * a service of its own, the simulator's cluster in virtual time included: what passes there and fails on real
 * processes makes every simulated day fiction.
 */
export const adapterConformance: readonly AdapterCase[] = [
  ...workloadConformance,
  ...failureConformance,
  ...trafficConformance,
  ...evidenceConformance,
  ...drainConformance,
];

/** The same, for cases that end the adapter's process: whoever shares an adapter among cases runs them apart. */
export { adoptionConformance };
