import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import { textFiles } from '../../test/support/text-files.ts';
import { inClusterCredentials, isInCluster } from './in-cluster.ts';

const MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const address = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };

function pod(environment: Record<string, string> = address, without?: string, directory = MOUNT) {
  const files = new Map([
    [`${directory}/ca.crt`, 'PEM'],
    [`${directory}/namespace`, 'shop\n'],
    [`${directory}/token`, 'one\n'],
  ]);
  files.delete(`${directory}/${without}`);
  const clock = autoClock();
  const { readFile } = textFiles(files);
  const ports = { clock, readFile, environment, ...(directory === MOUNT ? {} : { directory }) };
  return { files, clock, load: () => inClusterCredentials(ports) };
}

describe('a process is in a cluster', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['where the kubelet says so', address, true],
    ['and not without a port', { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, false],
    ['and not elsewhere', {}, false],
    ['and not by empty words', { KUBERNETES_SERVICE_HOST: '', KUBERNETES_SERVICE_PORT: '' }, false],
  ])('%s', (_, environment, expected) => expect(isInCluster(environment)).toBe(expected));
});

describe('the account of a pod', () => {
  it.each<[string, string, string, string]>([
    ['an address', '10.0.0.1', '443', 'https://10.0.0.1:443'],
    ['another port', '10.0.0.1', '6443', 'https://10.0.0.1:6443'],
    ['an IPv6 address', 'fd00::1', '443', 'https://[fd00::1]:443'],
    ['a name', 'kubernetes.default', '443', 'https://kubernetes.default:443'],
  ])('reaches the server at %s', async (_, host, port, server) => {
    const { load } = pod({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port });
    expect((await load()).server).toBe(server);
  });

  it('knows its authority and its namespace without the line end', async () => {
    expect(await pod().load()).toMatchObject({ ca: 'PEM', namespace: 'shop' });
  });

  it('goes with its token as the kubelet renews it', async () => {
    const { files, clock, load } = pod();
    const { identity } = await load();
    expect(await identity.current()).toEqual({ token: 'one' });
    files.set(`${MOUNT}/token`, 'two\n');
    expect(await identity.current()).toEqual({ token: 'one' });
    await clock.sleep(60_000);
    expect(await identity.current()).toEqual({ token: 'two' });
  });

  it('may be mounted elsewhere', async () => {
    const { identity } = await pod(address, undefined, '/mount').load();
    expect(await identity.current()).toEqual({ token: 'one' });
  });

  it.each(['ca.crt', 'namespace'])('cannot be used where %s is not mounted', async (name) => {
    await expect(pod(address, name).load()).rejects.toMatchObject({
      code: 'invalid',
      message: `${MOUNT}/${name} cannot be read`,
      next: 'give the pod a service account, and leave automountServiceAccountToken on',
    });
  });

  it('says which token is not mounted when it is asked for', async () => {
    const { identity } = await pod(address, 'token').load();
    await expect(identity.current()).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining(`${MOUNT}/token`),
    });
  });
});
