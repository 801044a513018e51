import { describe, expect, it } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { ensureToken, kubeconfig, writeClientFiles } from './kubeconfig.ts';
import { openTokens } from './tokens.ts';

function setUp() {
  const contents = new Map<string, string>();
  const modes = new Map<string, number | undefined>();
  let full = false;
  const files = {
    read: async (path: string) => (contents.has(path) ? Buffer.from(contents.get(path) ?? '') : undefined),
    writeAtomic: async (path: string, data: string | Uint8Array, options?: { mode?: number }) => {
      if (full) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      contents.set(path, data.toString());
      modes.set(path, options?.mode);
    },
    remove: async (path: string) => void contents.delete(path),
  };
  const open = () => openTokens({ file: '/t.json', files, clock: systemClock(), random: systemRandom() });
  return {
    contents,
    modes,
    files,
    open,
    fill: (now: boolean) => {
      full = now;
    },
  };
}

describe('openTokens', () => {
  it('keeps tokens over a restart, hashed, in a file of its owner', async () => {
    const s = setUp();
    const { token } = await (await s.open()).create({ name: 'ci', roles: ['developer'] });
    expect(s.contents.get('/t.json')).not.toContain(token);
    expect(s.contents.get('/t.json')).not.toContain(token.slice(4));
    expect(s.modes.get('/t.json')).toBe(0o600);
    const again = await s.open();
    expect(again.verify(token)).toEqual({ name: 'ci', roles: ['developer'] });
    expect(again.list()).toEqual([{ name: 'ci', roles: ['developer'], createdAt: expect.any(String) }]);
  });

  it.each(['', 'slw_', 'slw_short', 'x'.repeat(47)])('knows nobody by %j', async (text) => {
    const s = setUp();
    const tokens = await s.open();
    await tokens.create({ name: 'ci', roles: ['viewer'] });
    expect(tokens.verify(text)).toBeUndefined();
  });

  it('does not accept the hash instead of the token', async () => {
    const s = setUp();
    const tokens = await s.open();
    await tokens.create({ name: 'ci', roles: ['viewer'] });
    const [{ hash }] = JSON.parse(s.contents.get('/t.json') ?? '').tokens;
    expect(tokens.verify(hash)).toBeUndefined();
    expect(tokens.verify(`slw_${hash}`)).toBeUndefined();
  });

  it('changes nothing when the disk is full', async () => {
    const s = setUp();
    const tokens = await s.open();
    const { token } = await tokens.create({ name: 'one', roles: ['viewer'] });
    s.fill(true);
    await expect(tokens.create({ name: 'two', roles: ['admin'] })).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(tokens.revoke('one')).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(tokens.list().map((t) => t.name)).toEqual(['one']);
    expect(tokens.verify(token)?.name).toBe('one');
    s.fill(false);
    expect(await tokens.revoke('one')).toBe(true);
    expect(tokens.verify(token)).toBeUndefined();
  });

  it('takes many at once without losing one', async () => {
    const s = setUp();
    const tokens = await s.open();
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => tokens.create({ name: `t${i}`, roles: ['viewer'] })),
    );
    expect((await s.open()).list()).toHaveLength(20);
  });

  it.each([
    'nonsense',
    '{"version":2,"tokens":[]}',
    '{"version":1,"tokens":[{"name":"x"}]}',
    '{"version":1,"tokens":[{"name":"x","hash":"zz","roles":["admin"]}]}',
  ])('refuses to go on with a file of %s', async (text) => {
    const s = setUp();
    s.contents.set('/t.json', text);
    await expect(s.open()).rejects.toMatchObject({
      code: 'invalid',
      next: expect.stringContaining('/t.json'),
    });
  });
});

describe('ensureToken', () => {
  const identity = { name: 'admin', roles: ['admin'] } as const;
  const setUpToken = async () => {
    const s = setUp();
    const tokens = await s.open();
    const ensure = (more: object = {}) =>
      ensureToken({ files: s.files, tokens, file: '/admin.token', identity: { ...identity, ...more } });
    return { s, tokens, ensure };
  };

  it('keeps a token that is still good', async () => {
    const { s, ensure } = await setUpToken();
    const first = await ensure();
    expect(await ensure()).toBe(first);
    expect(s.modes.get('/admin.token')).toBe(0o600);
  });

  it.each<[string, (t: Awaited<ReturnType<typeof setUpToken>>) => unknown]>([
    ['it was revoked', ({ tokens }) => tokens.revoke('admin')],
    ['its file is gone', ({ s }) => s.files.remove('/admin.token')],
    ['its file is broken', ({ s }) => s.contents.set('/admin.token', 'zzz')],
  ])('makes a new one when %s, which ends the old one', async (_, happens) => {
    const t = await setUpToken();
    const old = await t.ensure();
    await happens(t);
    const fresh = await t.ensure();
    expect(fresh).not.toBe(old);
    expect(t.tokens.verify(old)).toBeUndefined();
    expect(t.tokens.verify(fresh)?.name).toBe('admin');
    expect(t.tokens.list()).toHaveLength(1);
  });

  it('makes a new one when its roles changed', async () => {
    const { ensure, tokens } = await setUpToken();
    await ensure();
    expect(tokens.verify(await ensure({ roles: ['viewer'] }))?.roles).toEqual(['viewer']);
  });
});

describe('client files', () => {
  it('are for their owner alone', async () => {
    const s = setUp();
    const config = {
      server: 'https://127.0.0.1:1',
      ca: 'PEM',
      token: 'slw_x',
      namespace: 'default',
      environment: 'local',
    };
    await writeClientFiles(s.files, '/data', config);
    expect(JSON.parse(s.contents.get('/data/client.json') ?? '')).toEqual(config);
    expect(Object.fromEntries(s.modes)).toEqual({
      '/data/client.json': 0o600,
      '/data/keys/kubeconfig': 0o600,
    });
    expect(kubeconfig(config)).toContain('certificate-authority-data: UEVN');
    expect(kubeconfig(config)).toContain('current-context: slipway');
  });
});
