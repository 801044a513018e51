import { afterAll, afterEach, beforeAll } from 'vitest';
import type { KubernetesClient } from '../../../src/kubernetes/api-client.ts';
import { clientOf, credentials } from './cluster.ts';
import { FaultProxy } from './fault-proxy.ts';

/** The cluster twice: asked directly, and by way of a proxy whose faults end with the test that made them. */
export interface Proxied {
  direct: KubernetesClient;
  proxy: FaultProxy;
  client: KubernetesClient;
}

/** Of one test file; there once its tests run. */
export function proxied(): Proxied {
  const all = {} as Proxied;
  beforeAll(async () => {
    all.direct = clientOf(await credentials());
    all.proxy = await new FaultProxy(await credentials()).start();
    all.client = clientOf(all.proxy.credentials);
  });
  afterAll(async () => {
    all.client.close();
    all.direct.close();
    await all.proxy.stop();
  });
  afterEach(() => {
    all.proxy.fault = () => undefined;
    all.proxy.requests.length = 0;
  });
  return all;
}
