import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import { instant } from '../lib/clock.ts';
import type { CommandOutcome, RunCommand } from '../lib/processes.ts';
import { type ExecPlugin, execPlugin } from './exec-plugin.ts';

const V1 = 'client.authentication.k8s.io/v1' as const;
const plugin: ExecPlugin = { apiVersion: V1, command: 'aws', args: ['eks', 'get-token'] };
const outcome = (rest: Partial<CommandOutcome>): CommandOutcome => ({
  ...{ exitCode: 0, signal: null, stdout: '', stderr: '', timedOut: false, ms: 5 },
  ...rest,
});
const credential = (status: Record<string, unknown>) =>
  outcome({ stdout: JSON.stringify({ apiVersion: V1, kind: 'ExecCredential', status }) });

/** A plugin whose n-th call answers by `answer(n)`, after a second. */
function world(
  answer: (call: number) => CommandOutcome | Error = (call) => credential({ token: `t${call}` }),
  of: ExecPlugin = plugin,
) {
  const clock = autoClock();
  const calls: RunCommand[] = [];
  const run = async (command: RunCommand) => {
    const call = calls.push(command);
    await clock.sleep(1_000);
    const given = answer(call);
    if (given instanceof Error) throw given;
    return given;
  };
  const options = { clock, run, environment: { PATH: '/bin', HOME: '/root' }, directory: '/etc/kube' };
  const source = execPlugin(of, options);
  return { clock, calls, source, token: async () => (await source.current()).token };
}
/** Tokens that live for `ms` from when they are given. */
const living = (ms: number) => {
  const made = world((call) =>
    credential({ token: `t${call}`, expirationTimestamp: instant(made.clock.now() + ms) }),
  );
  return made;
};

describe('a plugin', () => {
  it('is run with its words, its environment and what it must know', async () => {
    const env = [{ name: 'AWS_PROFILE', value: 'shop' }];
    const { calls, token } = world(undefined, { ...plugin, env });
    await token();
    expect(calls).toEqual([
      {
        argv: ['aws', 'eks', 'get-token'],
        env: {
          ...{ PATH: '/bin', HOME: '/root', AWS_PROFILE: 'shop' },
          KUBERNETES_EXEC_INFO: `{"apiVersion":"${V1}","kind":"ExecCredential","spec":{"interactive":false}}`,
        },
        timeoutMs: 60_000,
      },
    ]);
  });

  it.each<[string, string, string]>([
    ['by a name is looked for in the path', 'aws', 'aws'],
    ['by a relative path is looked for beside the kubeconfig', './bin/login', '/etc/kube/bin/login'],
    ['by an absolute path is where it says', '/opt/login', '/opt/login'],
  ])('that is named %s', async (_, command, expected) => {
    const { calls, token } = world(undefined, { apiVersion: V1, command });
    await token();
    expect(calls[0]?.argv).toEqual([expected]);
  });

  it('is asked once where its credentials have no end', async () => {
    const { clock, calls, token } = world();
    await token();
    await clock.sleep(86_400_000);
    expect([await token(), calls.length]).toEqual(['t1', 1]);
  });

  it('is asked again half a minute before its credentials end', async () => {
    const { clock, token } = living(900_000);
    expect(await token()).toBe('t1');
    await clock.sleep(869_999);
    expect(await token()).toBe('t1');
    await clock.sleep(1);
    expect(await token()).toBe('t2');
  });

  it('is not asked for every request where its credentials live shorter than that', async () => {
    const { clock, token } = living(20_000);
    await token();
    await clock.sleep(9_999);
    expect(await token()).toBe('t1');
    await clock.sleep(1);
    expect(await token()).toBe('t2');
  });

  it('is asked again after the server refused what it gave', async () => {
    const { source, token } = world();
    await token();
    source.refused();
    expect([await token(), await token()]).toEqual(['t2', 't2']);
  });

  it('is asked once for all who ask at the same time', async () => {
    const { calls, token } = world();
    expect(await Promise.all([token(), token(), token()])).toEqual(['t1', 't1', 't1']);
    expect(calls).toHaveLength(1);
  });

  it('is asked again after it failed', async () => {
    const { token } = world((call) =>
      call === 1 ? outcome({ exitCode: 1 }) : credential({ token: 'good' }),
    );
    const both = await Promise.allSettled([token(), token()]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await token()).toBe('good');
  });

  it('may give a certificate with its key', async () => {
    const { source } = world(() => credential({ clientCertificateData: 'CERT', clientKeyData: 'KEY' }));
    expect(await source.current()).toEqual({ certificate: 'CERT', key: 'KEY' });
  });
});

describe('a plugin gives no credentials', () => {
  const noJson = 'what it printed is not JSON';
  const noCredential = 'what it printed is no ExecCredential with a status';
  const neither = 'it gave neither a token nor a certificate with its key';
  const half = 'it gave a certificate and its key one without the other';
  it.each<[string, CommandOutcome | Error, string]>([
    [
      'where it fails',
      outcome({ exitCode: 255, stderr: ' no session\n' }),
      'it ended with code 255: no session',
    ],
    [
      'where it is killed',
      outcome({ exitCode: null, signal: 'SIGKILL', stderr: 'x' }),
      'it ended by SIGKILL: x',
    ],
    [
      'where it does not end',
      outcome({ exitCode: null, signal: 'SIGKILL', timedOut: true }),
      'it did not end within 60 s',
    ],
    ['where it cannot be started', new Error('spawn aws ENOENT'), 'spawn aws ENOENT'],
    ['where it prints nothing', outcome({}), noJson],
    ['where it prints words', outcome({ stdout: 'Open https://login' }), noJson],
    ['where it prints another kind', outcome({ stdout: '{"kind":"Status","status":{}}' }), noCredential],
    ['where it prints no status', outcome({ stdout: '{"kind":"ExecCredential"}' }), noCredential],
    ['where its token is no text', credential({ token: 7 }), noCredential],
    ['where its status is empty', credential({}), neither],
    ['where its token is empty', credential({ token: '' }), neither],
    ['where a key is missing', credential({ clientCertificateData: 'CERT' }), half],
    [
      'where a key is missing beside a token',
      credential({ token: 't', clientCertificateData: 'CERT' }),
      half,
    ],
    ['where a certificate is missing', credential({ clientKeyData: 'KEY' }), half],
  ])('%s', async (_, given, why) => {
    await expect(world(() => given).source.current()).rejects.toMatchObject({
      code: 'unauthorized',
      message: `aws of the kubeconfig gave no credentials: ${why}`,
      next: 'run aws eks get-token by hand',
    });
  });

  it('and is not run where it wants a terminal', async () => {
    const { calls, source } = world(undefined, { ...plugin, interactiveMode: 'Always' });
    await expect(source.current()).rejects.toThrow('it wants a terminal (interactiveMode: Always)');
    expect(calls).toEqual([]);
  });

  it('nor where it wants to be told of the cluster', async () => {
    const { calls, source } = world(undefined, { ...plugin, provideClusterInfo: true });
    await expect(source.current()).rejects.toThrow('(provideClusterInfo), which is not spoken here');
    expect(calls).toEqual([]);
  });

  it('and its kubeconfig may say how it is installed', async () => {
    const { source } = world(() => new Error('ENOENT'), { ...plugin, installHint: 'brew install awscli' });
    await expect(source.current()).rejects.toMatchObject({ next: 'brew install awscli' });
  });
});
