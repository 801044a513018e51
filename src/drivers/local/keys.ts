import type { ServiceKey, WorkloadKey } from '../cluster-driver.ts';

/** One text per workload of one revision: what maps and the durable files are keyed by. */
export const workloadId = (key: WorkloadKey): string => `${serviceId(key)}/${key.version}`;

/** The router's counting key of a service: `namespace/application/environment/workload`. */
export const serviceId = (key: ServiceKey): string =>
  `${key.namespace}/${key.application}/${key.environment}/${key.workload}`;

export const serviceOf = (key: WorkloadKey): ServiceKey => ({
  namespace: key.namespace,
  application: key.application,
  environment: key.environment,
  workload: key.workload,
});
