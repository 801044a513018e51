import type { ServiceKey, TrafficWish, WorkloadKey, WorkloadWish } from '../drivers/cluster-driver.ts';

/** An effect of ours on the cluster, told after it happened. */
export type ClusterEffect =
  | { readonly type: 'wish'; readonly wish: WorkloadWish; readonly before: number | null }
  | { readonly type: 'restart'; readonly key: WorkloadKey }
  | { readonly type: 'remove'; readonly key: WorkloadKey; readonly before: number }
  | { readonly type: 'traffic'; readonly wish: TrafficWish; readonly before: TrafficWish | undefined }
  | {
      readonly type: 'removeService';
      readonly service: ServiceKey;
      readonly before: TrafficWish | undefined;
    }
  /** Was asked for and refused: the guard of the adapter held, and whoever asked may have been wrong. */
  | {
      readonly type: 'refused';
      readonly rule: 'INV-1' | 'INV-5';
      readonly reason: string;
      readonly wish: TrafficWish | WorkloadKey;
      readonly before: TrafficWish | undefined;
    };

export const workloadId = ({ namespace, application, environment, version }: WorkloadKey): string =>
  `${namespace}/${application}/${environment}/${version}`;
