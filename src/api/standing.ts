import * as z from 'zod';
import { Name } from './meta.ts';

/** One workload of one version, as its cluster shows it: what is wished there and what came of it. */
export const StandingWorkload = z.looseObject({
  workload: Name,
  version: z.string(),
  /** Instances that the cluster goes towards by itself. */
  wanted: z.number().int().min(0),
  ready: z.number().int().min(0),
  /** Why instances do not come up; null where nothing speaks against it. */
  problem: z.looseObject({ reason: z.string(), message: z.string(), final: z.boolean() }).nullable(),
});
export type StandingWorkload = z.infer<typeof StandingWorkload>;

/** Where the traffic of one service goes. */
export const StandingService = z.looseObject({
  workload: Name,
  /** Version → weight. */
  weights: z.record(z.string(), z.number()),
});
export type StandingService = z.infer<typeof StandingService>;

/** One application in one environment. */
export const Place = z.looseObject({ namespace: z.string(), application: Name, environment: Name });
export type Place = Pick<z.infer<typeof Place>, 'namespace' | 'application' | 'environment'>;

/**
 * What stands at one place in one cluster, seen while no order for it ran there: the evidence for whatever is said
 * of it at rest. Nothing standing is a standing too: both lists are empty.
 */
export const Standing = Place.extend({
  workloads: z.array(StandingWorkload),
  services: z.array(StandingService),
});
export type Standing = z.infer<typeof Standing>;

/** One string for a place, for maps. */
export const placeId = ({ namespace, application, environment }: Place): string =>
  `${namespace}/${application}/${environment}`;
