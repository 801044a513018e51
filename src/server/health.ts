import { SlipwayError } from '../lib/errors.ts';
import { METRICS_CONTENT_TYPE } from '../lib/metrics.ts';
import type { ServerDependencies } from './dependencies.ts';
import type { Route } from './route.ts';

/** Liveness and readiness need no token and say one word; the rest is for those with one. */
export function healthRoutes(deps: ServerDependencies): Route[] {
  return [
    {
      method: 'GET',
      url: '/healthz',
      verb: 'get',
      resource: 'healthz',
      anonymous: true,
      summary: 'The process answers',
      handle: async () => ({ text: 'ok\n', type: 'text/plain; charset=utf-8' }),
    },
    {
      method: 'GET',
      url: '/readyz',
      verb: 'get',
      resource: 'readyz',
      anonymous: true,
      summary: 'The store answers too',
      handle: async () => {
        await deps.store.list('Cluster', { limit: 1 }).catch((cause: unknown) => {
          throw new SlipwayError('unavailable', 'the store does not answer', { cause });
        });
        return { text: 'ok\n', type: 'text/plain; charset=utf-8' };
      },
    },
    {
      method: 'GET',
      url: '/version',
      verb: 'get',
      resource: 'version',
      summary: 'Version of the manager, and the agents that it sees',
      handle: async () => ({
        json: { version: deps.version, node: process.version, clusters: deps.gateway.clusters() },
      }),
    },
    {
      method: 'GET',
      url: '/metrics',
      verb: 'get',
      resource: 'metrics',
      summary: 'Counts as OpenMetrics',
      handle: async () => ({ text: deps.metrics.text(), type: METRICS_CONTENT_TYPE }),
    },
  ];
}
