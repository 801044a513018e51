import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { systemRandom } from '../lib/random.ts';
import { openSecretVault } from './secret-vault.ts';

const directory = mkdtempSync(join(tmpdir(), 'slipway-vault-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const random = systemRandom();
const keyFile = join(directory, 'keys', 'secret.key');
const vault = openSecretVault({ keyFile, random });
const data = { password: 'hunter2-canary', empty: '', text: 'ä\n\u0000' };

const flipped = (base64: string) => {
  const bytes = Buffer.from(base64, 'base64');
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return bytes.toString('base64');
};

describe('the vault', () => {
  test('opens what it sealed, also with the key read again', () => {
    const sealed = vault.seal(data);
    expect(vault.open(sealed)).toEqual(data);
    expect(openSecretVault({ keyFile, random }).open(sealed)).toEqual(data);
    expect(vault.open(vault.seal({}))).toEqual({});
  });

  test('shows no value, in no encoding, and never the same text twice', () => {
    const text = JSON.stringify(vault.seal(data));
    for (const form of ['utf8', 'base64', 'hex'] as const) {
      expect(text).not.toContain(Buffer.from('hunter2-canary').toString(form).slice(0, 16));
    }
    expect(vault.seal(data).data).not.toBe(vault.seal(data).data);
  });

  test.each(['iv', 'tag', 'data'] as const)('refuses a changed %s', (field) => {
    const sealed = vault.seal(data);
    expect(() => vault.open({ ...sealed, [field]: flipped(sealed[field]) })).toThrow(/damaged or changed/);
  });

  test('refuses a tag that was cut short', () => {
    const sealed = vault.seal(data);
    const tag = Buffer.from(sealed.tag, 'base64').subarray(0, 4).toString('base64');
    expect(() => vault.open({ ...sealed, tag })).toThrow(/damaged or changed/);
  });

  test('names the key that is missing', () => {
    const other = openSecretVault({ keyFile: join(directory, 'other.key'), random });
    expect(() => other.open(vault.seal(data))).toThrow(/sealed with the key [0-9a-f]{16}/);
  });

  test('digests change with name, value and key, and say nothing else', () => {
    const digests = vault.digests({ a: 'x', b: 'x', c: 'y' });
    expect(new Set(Object.values(digests)).size).toBe(3);
    expect(digests).toEqual(vault.digests({ c: 'y', b: 'x', a: 'x' }));
    expect(digests.a).toMatch(/^[0-9a-f]{12}$/);
    const other = openSecretVault({ keyFile: join(directory, 'other.key'), random });
    expect(other.digests({ a: 'x' }).a).not.toBe(digests.a);
  });
});

describe('the key file', () => {
  test('is made for its owner alone', () => {
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(Buffer.from(readFileSync(keyFile, 'utf8'), 'base64')).toHaveLength(32);
  });

  test('is refused when others can read it', () => {
    const file = join(directory, 'open.key');
    openSecretVault({ keyFile: file, random });
    chmodSync(file, 0o640);
    expect(() => openSecretVault({ keyFile: file, random })).toThrow(/can be read by others \(mode 640\)/);
  });

  test('is refused when it is no key, and not replaced', () => {
    const file = join(directory, 'short.key');
    writeFileSync(file, 'AAAA\n', { mode: 0o600 });
    expect(() => openSecretVault({ keyFile: file, random })).toThrow(/holds no key of 32 bytes/);
    expect(readFileSync(file, 'utf8')).toBe('AAAA\n');
  });
});
