import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { Credentials } from './credentials.ts';
import { tokenFile } from './token-file.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Whether this process runs in a pod, by the variables that the kubelet sets in every one. */
export const isInCluster = (environment: Readonly<Record<string, string | undefined>>): boolean =>
  Boolean(environment.KUBERNETES_SERVICE_HOST) && Boolean(environment.KUBERNETES_SERVICE_PORT);

/**
 * The pod's own service account
 * (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#directly-accessing-the-rest-api).
 * Rejects with `invalid` where no account is mounted.
 */
export async function inClusterCredentials(ports: {
  readonly clock: Clock;
  readFile(path: string): Promise<string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Default: where the kubelet mounts it. */
  readonly directory?: string;
}): Promise<Credentials> {
  const { environment, directory = SERVICE_ACCOUNT } = ports;
  const host = environment.KUBERNETES_SERVICE_HOST ?? '';
  const read = async (name: string) => {
    const path = join(directory, name);
    try {
      return await ports.readFile(path);
    } catch (cause) {
      throw new SlipwayError('invalid', `${path} cannot be read`, {
        next: 'give the pod a service account, and leave automountServiceAccountToken on',
        cause,
      });
    }
  };
  const [ca, namespace] = await Promise.all([read('ca.crt'), read('namespace')]);
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${environment.KUBERNETES_SERVICE_PORT ?? '443'}`,
    ca,
    namespace: namespace.trim(),
    identity: tokenFile(join(directory, 'token'), ports),
  };
}
