import { describe, expect, it } from 'vitest';
import { KUBECONFIG, kubeconfigWorld, withCluster, withUser } from '../../test/support/kubeconfig-files.ts';

describe('a kubeconfig cannot be used', () => {
  it.each<[string, string, string]>([
    [
      'where it is no YAML, and says where without its words',
      'users:\n- name: u\n  user: { token: "s3cret\n',
      'it is no YAML, at line 4, column 1',
    ],
    ['where it is words', 'hello', 'found a string, allowed: an object'],
    ['where a list is none', 'clusters: {}', 'clusters: found an object, allowed: a list'],
    ['where an entry has no name', 'users: [{}]', 'users[0].name: is required (a string)'],
    ['where it is empty', '', 'it names no current-context'],
    ['where it names no context', 'current-context: ""', 'it names no current-context'],
    ['where the context is missing', 'current-context: dev', 'there is no context dev'],
    [
      'where the cluster is missing',
      'current-context: c\ncontexts: [{ name: c, context: { cluster: k, user: u } }]',
      'context c names cluster k, which is not there',
    ],
    [
      'where the user is missing',
      withUser('{}').replace('user: u', 'user: other'),
      'context one names user other, which is not there',
    ],
    [
      'where the context is empty',
      'current-context: c\ncontexts: [{ name: c }]',
      'context c names no cluster',
    ],
    ['where the cluster has no address', withCluster('{}'), 'cluster one: server: is required (a string)'],
    [
      'where the address is none',
      withCluster('{ server: "one:6443" }'),
      'cluster one: server: found a string, allowed: a valid URL',
    ],
    [
      'where a certificate is not base64',
      withCluster('{ server: "https://one", certificate-authority-data: "-----BEGIN" }'),
      'cluster one: certificate-authority-data: found a string, allowed: a valid base64-encoded string',
    ],
    [
      'where a field is of another type, without its words',
      withUser('{ token: [s3cret] }'),
      'user u: token: found a list of 1, allowed: a string',
    ],
    [
      'where a plugin is of a time that is over',
      withUser('{ exec: { apiVersion: client.authentication.k8s.io/v1alpha1, command: aws } }'),
      'user u: exec.apiVersion: found a string, allowed: "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"',
    ],
    [
      'where the server stands behind a proxy',
      withCluster('{ server: "https://one", proxy-url: "http://p" }'),
      'proxy-url is not spoken here: name an address that is reached directly',
    ],
    [
      'where it logs in by a provider',
      withUser('{ auth-provider: { name: gcp } }'),
      'auth-provider and passwords ended with Kubernetes 1.26 and 1.19: use an exec plugin, a token or a certificate',
    ],
    [
      'where it logs in by a password',
      withUser('{ username: admin, password: s3cret }'),
      'auth-provider and passwords ended with Kubernetes 1.26 and 1.19: use an exec plugin, a token or a certificate',
    ],
    [
      'where the authority cannot be read',
      withCluster('{ server: "https://one", certificate-authority: pki/ca.pem }'),
      "pki/ca.pem, which it names, cannot be read: ENOENT: no such file or directory, open '/home/.kube/pki/ca.pem'",
    ],
    [
      'where a certificate cannot be read',
      withUser('{ client-certificate: me.pem, client-key: me.key }'),
      "me.pem, which it names, cannot be read: ENOENT: no such file or directory, open '/home/.kube/me.pem'",
    ],
    [
      'where a certificate has no key',
      withUser('{ client-certificate-data: Q0VSVA== }'),
      'user u: a certificate needs its key and a key its certificate',
    ],
  ])('%s', async (_, text, why) => {
    await expect(kubeconfigWorld(text).load()).rejects.toMatchObject({
      code: 'invalid',
      message: `the kubeconfig ${KUBECONFIG} cannot be used: ${why}`,
    });
  });

  it('where it is not there', async () => {
    await expect(kubeconfigWorld().load(undefined, ['/none'])).rejects.toMatchObject({
      code: 'invalid',
      message:
        "the kubeconfig /none cannot be used: it cannot be read: ENOENT: no such file or directory, open '/none'",
    });
  });

  it('where none of several is there', async () => {
    await expect(kubeconfigWorld().load(undefined, ['/none', '/nor'])).rejects.toThrow(
      'the kubeconfig /none, /nor cannot be used: none of them is there',
    );
  });

  it('where the wanted context is missing, and says how to see which there are', async () => {
    await expect(kubeconfigWorld().load('prod')).rejects.toMatchObject({
      message: `the kubeconfig ${KUBECONFIG} cannot be used: there is no context prod`,
      next: 'kubectl config get-contexts',
    });
  });

  it('by the name of the file that is wrong, among several', async () => {
    const { files, load } = kubeconfigWorld();
    files.set('/etc/wrong', 'users: 7');
    await expect(load(undefined, [KUBECONFIG, '/etc/wrong'])).rejects.toThrow(
      'the kubeconfig /etc/wrong cannot be used: users: found a number, allowed: a list',
    );
  });

  it('and nothing that leads to it repeats a secret of the file', async () => {
    const error = await kubeconfigWorld('user: { token: "s3cret\n')
      .load()
      .catch((each: unknown) => each as Error);
    expect(`${(error as Error).message} ${String((error as Error).cause)}`).not.toContain('s3cret');
  });
});

it('what another context needs is no matter', async () => {
  const { files, load } = kubeconfigWorld();
  const old =
    '- name: old\n  user: { exec: { apiVersion: client.authentication.k8s.io/v1alpha1, command: aws } }\n';
  files.set(KUBECONFIG, `${files.get(KUBECONFIG)}${old}`);
  expect((await load()).server).toBe('https://one:6443');
});
