import type { Cluster, Environment } from '../api/environment.ts';
import { API_VERSION } from '../api/meta.ts';
import { isSlipwayError } from '../lib/errors.ts';
import type { Store } from '../store/store.ts';

/** What stands in every embedded Slipway from the first start on. */
export const DEFAULT_NAMES = { cluster: 'local', namespace: 'default', environment: 'local' } as const;

/** Makes the cluster that this machine is and the environment that is released to, where they are missing. */
export async function ensureDefaults(store: Store): Promise<void> {
  const { cluster, namespace, environment } = DEFAULT_NAMES;
  const clusters = await store.list<Cluster>('Cluster', { limit: 1 });
  if (clusters.items.length === 0) {
    await unlessThere(
      store.create<Cluster>({
        apiVersion: API_VERSION,
        kind: 'Cluster',
        metadata: { name: cluster },
        spec: { driver: 'local' },
      }),
    );
  }
  const environments = await store.list<Environment>('Environment', { namespace, limit: 1 });
  if (environments.items.length > 0) return;
  await unlessThere(
    store.create<Environment>({
      apiVersion: API_VERSION,
      kind: 'Environment',
      metadata: { name: environment, namespace },
      spec: { clusters: [cluster], parameters: {}, protection: {} },
    }),
  );
}

async function unlessThere(created: Promise<unknown>): Promise<void> {
  try {
    await created;
  } catch (error) {
    if (!isSlipwayError(error, 'alreadyExists')) throw error;
  }
}
