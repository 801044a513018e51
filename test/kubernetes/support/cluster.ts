import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { KubernetesClient } from '../../../src/kubernetes/api-client.ts';
import { ApiConnection } from '../../../src/kubernetes/api-connection.ts';
import type { Credentials } from '../../../src/kubernetes/credentials.ts';
import { loadKubeconfig } from '../../../src/kubernetes/kubeconfig.ts';
import type { KubernetesObject, ResourceType } from '../../../src/kubernetes/resource-type.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createLog, silentLog } from '../../../src/lib/log.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { runCommand } from '../../../src/lib/run-command.ts';

export const clock = systemClock();
export const random = systemRandom();
export const log =
  process.env.SLIPWAY_TEST_LOG === undefined ? silentLog : createLog({ process: 'test', level: 'debug' });

export const NAMESPACE: ResourceType = {
  ...{ group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false },
};
export const CONFIG_MAP: ResourceType = {
  ...{ group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
};
export type ConfigMap = KubernetesObject & { readonly data?: Readonly<Record<string, string>> };

/** The cluster that scripts/test-kubernetes.ts has started or found. */
export async function credentials(): Promise<Credentials> {
  const file = process.env.KUBECONFIG;
  if (file === undefined) throw new Error('npm run test:kubernetes sets KUBECONFIG');
  return await loadKubeconfig(file.split(':'), {
    clock,
    environment: process.env as Record<string, string>,
    readFile: (path) => readFile(path, 'utf8'),
    run: (command) => runCommand(command, clock),
  });
}

/** A client of the cluster, or of what stands before it. */
export const clientOf = (to: Credentials, fieldManager = 'slipway-test'): KubernetesClient =>
  new KubernetesClient({ connection: new ApiConnection(to, 'slipway-test'), clock, random, fieldManager });

/** A namespace for one test, which is taken away behind it. */
export async function inNamespace(
  client: KubernetesClient,
  run: (namespace: string) => Promise<void>,
): Promise<void> {
  const name = `slipway-test-${random.suffix(6)}`;
  await client.create(NAMESPACE, { metadata: { name } });
  try {
    await run(name);
  } finally {
    await client.delete(NAMESPACE, { name });
  }
}

export const kubectl = (...args: string[]): string =>
  execFileSync(process.env.SLIPWAY_KUBECTL ?? 'kubectl', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
