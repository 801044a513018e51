import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../lib/random.ts';
import { ensureCertificates } from './certificates.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 10, 20);

function setUp() {
  const stored = new Map<string, string>();
  const modes = new Map<string, number | undefined>();
  let now = START;
  const ensure = (names: string[] = ['builder.example']) =>
    ensureCertificates({
      directory: '/keys',
      names,
      random: systemRandom(),
      clock: {
        now: () => now,
        monotonic: () => now,
        sleep: async () => {},
        setTimer: () => ({ [Symbol.dispose]() {} }),
      },
      files: {
        read: async (path) => (stored.has(path) ? Buffer.from(stored.get(path) ?? '') : undefined),
        writeAtomic: async (path, data, options) => {
          stored.set(path, data.toString());
          modes.set(path, options?.mode);
        },
        makeDirectory: async () => {},
      },
    });
  return {
    ensure,
    stored,
    modes,
    pass: (days: number) => {
      now += days * DAY;
    },
  };
}

describe('ensureCertificates', () => {
  it('makes an authority of ten years and a certificate for this machine', async () => {
    const { ensure, modes } = setUp();
    const made = await ensure();
    const ca = new X509Certificate(made.ca);
    const server = new X509Certificate(made.cert);
    expect(made.renewed).toEqual(['ca', 'server']);
    expect(ca.ca).toBe(true);
    expect(server.ca).toBe(false);
    expect(Math.round((ca.validToDate.getTime() - START) / DAY)).toBe(3_652);
    expect(server.verify(ca.publicKey)).toBe(true);
    expect(server.checkIssued(ca)).toBe(true);
    expect(server.checkHost('localhost')).toBe('localhost');
    expect(server.checkHost('builder.example')).toBe('builder.example');
    expect(server.checkHost('elsewhere.example')).toBeUndefined();
    expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(server.checkIP('::1')).toBe('::1');
    expect(server.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(Object.fromEntries(modes)).toMatchObject({ '/keys/ca.key': 0o600, '/keys/server.key': 0o600 });
  });

  it('keeps what is there', async () => {
    const { ensure } = setUp();
    const first = await ensure();
    expect(await ensure()).toEqual({ ...first, renewed: [] });
  });

  it.each<[string, (s: ReturnType<typeof setUp>) => void, string[] | undefined, ('ca' | 'server')[]]>([
    ['31 days left', (s) => s.pass(365 - 31), undefined, []],
    ['29 days left', (s) => s.pass(365 - 29), undefined, ['server']],
    ['the authority ends', (s) => s.pass(3_652 - 29), undefined, ['ca', 'server']],
    ['the clock was set back', (s) => s.pass(-1), undefined, ['ca', 'server']],
    ['another name', () => {}, ['other.example'], ['server']],
    ['a broken certificate', (s) => s.stored.set('/keys/server.crt', 'nonsense'), undefined, ['server']],
    [
      'a key of another certificate',
      (s) => s.stored.set('/keys/server.key', s.stored.get('/keys/ca.key') ?? ''),
      undefined,
      ['server'],
    ],
    ['the authority is gone', (s) => s.stored.delete('/keys/ca.key'), undefined, ['ca', 'server']],
  ])('renews where needed: %s', async (_, happens, names, wanted) => {
    const s = setUp();
    await s.ensure();
    happens(s);
    const made = await s.ensure(names);
    expect(made.renewed).toEqual(wanted);
    expect(new X509Certificate(made.cert).verify(new X509Certificate(made.ca).publicKey)).toBe(true);
  });
});
