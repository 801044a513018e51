import { describe, expect, it } from 'vitest';
import { kubeconfigWorld, withUser } from '../../test/support/kubeconfig-files.ts';

const CERT = Buffer.from('CERT').toString('base64');

describe('the cluster of a kubeconfig', () => {
  it('is that of the current context, with its namespace', async () => {
    expect(await kubeconfigWorld().load()).toMatchObject({
      ...{ server: 'https://one:6443', namespace: 'shop', insecure: false },
      ...{ ca: undefined, tlsServerName: undefined },
    });
  });

  it('is that of the named context, and its namespace is default where it has none', async () => {
    expect(await kubeconfigWorld().load('two')).toMatchObject({
      ...{ server: 'https://two:6443', namespace: 'default' },
    });
  });

  it.each<[string, string, Record<string, unknown>]>([
    ['data', `certificate-authority-data: ${CERT}`, { ca: 'CERT' }],
    [
      'data in several lines',
      `certificate-authority-data: "${CERT.slice(0, 4)}\\n${CERT.slice(4)}"`,
      { ca: 'CERT' },
    ],
    ['a file beside the kubeconfig', 'certificate-authority: pki/ca.pem', { ca: 'beside' }],
    ['a file elsewhere', 'certificate-authority: /etc/ca.pem', { ca: 'elsewhere' }],
    [
      'data before a file',
      `{ certificate-authority-data: ${CERT}, certificate-authority: gone.pem }`,
      { ca: 'CERT' },
    ],
    ['nothing where it is empty', 'certificate-authority-data: ""', { ca: undefined }],
    ['a name of its own', 'tls-server-name: api.internal', { tlsServerName: 'api.internal' }],
    ['no check at all', 'insecure-skip-tls-verify: true', { insecure: true }],
    ['no proxy where it is empty', 'proxy-url: ""', { server: 'https://one:6443' }],
  ])('is trusted by %s', async (_, field, expected) => {
    const { files, load } = kubeconfigWorld();
    files.set('/home/.kube/pki/ca.pem', 'beside').set('/etc/ca.pem', 'elsewhere');
    const more = field.startsWith('{') ? field.slice(1, -1) : field;
    files.set(
      '/home/.kube/config',
      `{ current-context: c, contexts: [{ name: c, context: { cluster: k, user: "" } }],
         clusters: [{ name: k, cluster: { server: "https://one:6443", ${more} } }] }`,
    );
    expect(await load()).toMatchObject(expected);
  });
});

describe('the user of a kubeconfig', () => {
  it.each<[string, string, Record<string, unknown>]>([
    ['a token', 'token: abc', { token: 'abc' }],
    ['nothing', '', {}],
    ['nothing where all is empty', 'token: "", username: "", auth-provider: null', {}],
    [
      'a certificate as data',
      `client-certificate-data: ${CERT}, client-key-data: ${CERT}`,
      { certificate: 'CERT', key: 'CERT' },
    ],
    [
      'a certificate in files beside the kubeconfig',
      'client-certificate: me.pem, client-key: me.key',
      { certificate: 'PEM', key: 'KEY' },
    ],
    ['a token in a file beside the kubeconfig', 'tokenFile: me.token', { token: 'of a file' }],
    ['a token in a file before one beside it', 'token: old, tokenFile: me.token', { token: 'of a file' }],
    ['a token where its file is not there', 'token: old, tokenFile: gone', { token: 'old' }],
    [
      'a token in a file and a certificate',
      'tokenFile: me.token, client-certificate: me.pem, client-key: me.key',
      { token: 'of a file', certificate: 'PEM', key: 'KEY' },
    ],
  ])('shows %s', async (_, fields, expected) => {
    const { files, load } = kubeconfigWorld(withUser(`{ ${fields} }`));
    files.set('/home/.kube/me.pem', 'PEM').set('/home/.kube/me.key', 'KEY');
    files.set('/home/.kube/me.token', 'of a file\n');
    expect(await (await load()).identity.current()).toEqual(expected);
  });

  it('may be nobody', async () => {
    const { load } = kubeconfigWorld(withUser('null'));
    expect(await (await load()).identity.current()).toEqual({});
  });

  it('renews the token of a file', async () => {
    const { files, load } = kubeconfigWorld(withUser('{ tokenFile: me.token }'));
    files.set('/home/.kube/me.token', 'one');
    const { identity } = await load();
    await identity.current();
    files.set('/home/.kube/me.token', 'two');
    identity.refused();
    expect(await identity.current()).toEqual({ token: 'two' });
  });

  it('asks a plugin, which stands beside the kubeconfig', async () => {
    const exec =
      '{ exec: { apiVersion: client.authentication.k8s.io/v1beta1, command: ./login, args: null, env: null, interactiveMode: IfAvailable } }';
    const { runs, load } = kubeconfigWorld(withUser(exec));
    expect(await (await load()).identity.current()).toEqual({ token: 'of a plugin' });
    expect(runs).toMatchObject([{ argv: ['/home/.kube/login'], env: { PATH: '/bin' } }]);
  });
});

describe('several kubeconfigs', () => {
  const second = `{ current-context: two,
    contexts: [{ name: one, context: { cluster: other, user: "" } }, { name: far, context: { cluster: far, user: u } }],
    clusters: [{ name: one, cluster: { server: "https://hidden" } },
               { name: far, cluster: { server: "https://far", certificate-authority: ca.pem } }],
    users: [{ name: u, user: { token: hidden } }] }`;
  const both = () => {
    const { files, load } = kubeconfigWorld();
    files.set('/etc/kube/more', second).set('/etc/kube/ca.pem', 'far CA');
    return (context?: string, ...before: string[]) =>
      load(context, [...before, '/home/.kube/config', '/etc/kube/more']);
  };

  it('are read in their order: the first that names something counts', async () => {
    expect((await both()()).server).toBe('https://one:6443');
  });

  it('add up, each relative to its own directory', async () => {
    const { server, ca, identity } = await both()('far');
    expect([server, ca, await identity.current()]).toEqual(['https://far', 'far CA', { token: 'abc' }]);
  });

  it('may name one that is not there, as kubectl allows', async () => {
    expect((await both()(undefined, '/home/none')).server).toBe('https://one:6443');
  });
});
