import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { SlipwayError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { syncDirectory } from './sync-directory.ts';

/** Values as the store keeps them: AES-256-GCM over the JSON of all, everything in base64. */
export interface Sealed {
  readonly algorithm: 'A256GCM';
  /** Which key: the start of its fingerprint, so that a wrong key file is named and not guessed at. */
  readonly keyId: string;
  /** 96 bits, new for each sealing (NIST SP 800-38D 8.2). */
  readonly iv: string;
  readonly tag: string;
  readonly data: string;
}

/**
 * Keeps secret values sealed at rest with a key that is outside the database, so that neither a copy of the
 * database nor a backup gives them away.
 */
export interface SecretVault {
  seal(data: Readonly<Record<string, string>>): Sealed;
  /** Rejects (throws `invalid`) what was changed or was sealed with another key. */
  open(sealed: Sealed): Record<string, string>;
  /**
   * Name → 12 hex digits that change with the value. Keyed, so that nobody without the key can try values
   * out; the name counts, so that equal values under two names do not show.
   */
  digests(data: Readonly<Record<string, string>>): Record<string, string>;
}

const KEY_BYTES = 32;

/**
 * Opens the vault of a key file, making the file (0600) where there is none. A key that others can read is
 * refused: whoever could read it may have it already.
 */
export function openSecretVault(options: { readonly keyFile: string; readonly random: Random }): SecretVault {
  const master = readOrMakeKey(options.keyFile, options.random);
  const derived = (purpose: string) =>
    Buffer.from(hkdfSync('sha256', master, '', `slipway ${purpose}`, KEY_BYTES));
  const [sealing, digesting] = [derived('seal v1'), derived('digest v1')];
  const keyId = createHmac('sha256', sealing).update('key id').digest('hex').slice(0, 16);

  return {
    seal(data) {
      const iv = options.random.bytes(12);
      const cipher = createCipheriv('aes-256-gcm', sealing, iv);
      const sealed = Buffer.concat([cipher.update(JSON.stringify(data), 'utf8'), cipher.final()]);
      return {
        algorithm: 'A256GCM',
        keyId,
        iv: iv.toString('base64'),
        tag: cipher.getAuthTag().toString('base64'),
        data: sealed.toString('base64'),
      };
    },
    open(sealed) {
      if (sealed.algorithm !== 'A256GCM' || sealed.keyId !== keyId) {
        throw new SlipwayError(
          'invalid',
          `the secret was sealed with the key ${String(sealed.keyId)}; ${options.keyFile} holds ${keyId}`,
          { next: 'put the key file of that installation back, or set the secret again' },
        );
      }
      try {
        const decipher = createDecipheriv('aes-256-gcm', sealing, Buffer.from(sealed.iv, 'base64'), {
          authTagLength: 16,
        });
        decipher.setAuthTag(Buffer.from(sealed.tag, 'base64'));
        const text = Buffer.concat([decipher.update(Buffer.from(sealed.data, 'base64')), decipher.final()]);
        return JSON.parse(text.toString('utf8')) as Record<string, string>;
      } catch (cause) {
        throw new SlipwayError('invalid', 'the sealed secret was damaged or changed', {
          next: 'set the secret again',
          cause,
        });
      }
    },
    digests(data) {
      const digest = (name: string, value: string) =>
        createHmac('sha256', digesting)
          .update(JSON.stringify([name, value]))
          .digest('hex')
          .slice(0, 12);
      return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, digest(name, value)]));
    },
  };
}

function readOrMakeKey(file: string, random: Random): Buffer {
  try {
    return readKey(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const key = random.bytes(KEY_BYTES);
  let handle: number;
  try {
    handle = openSync(file, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return readKey(file);
    throw error;
  }
  try {
    writeSync(handle, `${key.toString('base64')}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  syncDirectory(dirname(file));
  return key;
}

function readKey(file: string): Buffer {
  const handle = openSync(file, 'r');
  try {
    const mode = fstatSync(handle).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new SlipwayError(
        'refused',
        `the secret key ${file} can be read by others (mode ${mode.toString(8)})`,
        {
          next: `chmod 600 ${file}, and set the secrets again if others had access`,
        },
      );
    }
    const key = Buffer.from(readFileSync(handle, 'utf8').trim(), 'base64');
    if (key.length !== KEY_BYTES) {
      throw new SlipwayError('invalid', `${file} holds no key of ${KEY_BYTES} bytes`, {
        next: 'put the key file of this installation back; without it its secrets cannot be opened',
      });
    }
    return key;
  } finally {
    closeSync(handle);
  }
}
