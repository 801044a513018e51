import { createHash, timingSafeEqual } from 'node:crypto';
import { type Clock, instant } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { Files } from '../lib/files.ts';
import type { Random } from '../lib/random.ts';
import { ROLES, type Role } from './authorize.ts';

/**
 * Who calls: opaque tokens `slw_…` of 256 random bits. Only their SHA-256 is kept (a slow hash protects
 * guessable passwords; nobody guesses 256 bits), in one file with mode 0600 outside the database, so that a
 * backup holds no credentials.
 */
export interface Identity {
  /** The token's name: what audit lines and commands say. */
  readonly name: string;
  readonly roles: readonly Role[];
  /** The one cluster that an agent's token speaks for. */
  readonly cluster?: string;
}

export interface TokenRecord extends Identity {
  readonly hash: string;
  readonly createdAt: string;
}

export type TokenInfo = Omit<TokenRecord, 'hash'>;

export interface TokenStore {
  /** The caller, or undefined where the token is unknown or revoked. Takes the same time for either. */
  verify(token: string): Identity | undefined;
  /** The token itself is in the answer and nowhere else. `alreadyExists` when the name is taken. */
  create(identity: Identity): Promise<{ token: string; info: TokenInfo }>;
  list(): readonly TokenInfo[];
  /** False when there was none of that name. */
  revoke(name: string): Promise<boolean>;
  /** Called with the name of each token that ends, so that its open streams end too. */
  onRevoke(callback: (name: string) => void): Disposable;
}

export const TOKEN_PREFIX = 'slw_';
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

export async function openTokens(options: {
  readonly file: string;
  readonly files: Pick<Files, 'read' | 'writeAtomic'>;
  readonly clock: Clock;
  readonly random: Random;
}): Promise<TokenStore> {
  const { file, files } = options;
  let records: readonly TokenRecord[] = parse(await files.read(file), file);
  const callbacks = new Set<(name: string) => void>();
  let last: Promise<unknown> = Promise.resolve();

  /** One change at a time; memory follows the disk, so that a failed write changes nothing. */
  const change = <T>(
    decide: (now: readonly TokenRecord[]) => { next: readonly TokenRecord[]; answer: T },
  ) => {
    const run = last.then(async () => {
      const { next, answer } = decide(records);
      if (next !== records) {
        await files.writeAtomic(file, `${JSON.stringify({ version: 1, tokens: next }, null, 2)}\n`, {
          mode: 0o600,
        });
        records = next;
      }
      return answer;
    });
    last = run.catch(() => undefined);
    return run;
  };

  return {
    verify(token) {
      const presented = sha256(token);
      let found: TokenRecord | undefined;
      for (const record of records) {
        if (timingSafeEqual(presented, Buffer.from(record.hash, 'hex'))) found = record;
      }
      if (found === undefined || !token.startsWith(TOKEN_PREFIX)) return undefined;
      const { name, roles, cluster } = found;
      return { name, roles, ...(cluster === undefined ? {} : { cluster }) };
    },
    create(identity) {
      refuseIdentity(identity);
      const token = TOKEN_PREFIX + options.random.bytes(32).toString('base64url');
      return change((now) => {
        if (now.some((record) => record.name === identity.name)) {
          throw new SlipwayError('alreadyExists', `there is a token ${identity.name} already`, {
            next: `slipway token revoke ${identity.name}`,
          });
        }
        const record: TokenRecord = {
          name: identity.name,
          roles: identity.roles,
          ...(identity.cluster === undefined ? {} : { cluster: identity.cluster }),
          hash: sha256(token).toString('hex'),
          createdAt: instant(options.clock.now()),
        };
        return { next: [...now, record], answer: { token, info: withoutHash(record) } };
      });
    },
    list: () => records.map(withoutHash),
    async revoke(name) {
      const existed = await change((now) => {
        const next = now.filter((record) => record.name !== name);
        return next.length === now.length ? { next: now, answer: false } : { next, answer: true };
      });
      if (existed) for (const callback of callbacks) callback(name);
      return existed;
    },
    onRevoke(callback) {
      callbacks.add(callback);
      return { [Symbol.dispose]: () => callbacks.delete(callback) };
    },
  };
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

const withoutHash = ({ hash: _hash, ...info }: TokenRecord): TokenInfo => info;

function refuseIdentity({ name, roles, cluster }: Identity): void {
  if (!NAME.test(name) || name.length > 63) {
    throw new SlipwayError(
      'invalid',
      `a token's name is lower-case letters, digits, "-" and ".", at most 63`,
      {
        details: [{ path: 'name', message: 'allowed: lower-case letters, digits, "-" and "."' }],
      },
    );
  }
  if (roles.length === 0) throw new SlipwayError('invalid', 'a token needs at least one role');
  if (roles.includes('agent') && roles.length > 1) {
    throw new SlipwayError('invalid', 'an agent has no other role: it reaches /agent/v1 alone');
  }
  if (cluster !== undefined && !roles.includes('agent')) {
    throw new SlipwayError('invalid', 'only the token of an agent names a cluster');
  }
}

function parse(content: Buffer | undefined, file: string): readonly TokenRecord[] {
  if (content === undefined) return [];
  try {
    const { version, tokens } = JSON.parse(content.toString()) as { version: unknown; tokens: unknown };
    if (version === 1 && Array.isArray(tokens) && tokens.every(isRecord)) return tokens;
  } catch {
    // Said below in the same words as a file of another shape.
  }
  throw new SlipwayError('invalid', `${file} is no list of tokens that this version can read`, {
    next: `move ${file} away and run slipway up again: it makes a new one, old tokens end`,
  });
}

function isRecord(value: unknown): value is TokenRecord {
  const record = value as Partial<TokenRecord> | null;
  return (
    typeof record?.name === 'string' &&
    /^[0-9a-f]{64}$/.test(record.hash ?? '') &&
    Array.isArray(record.roles) &&
    record.roles.every((role) => (ROLES as readonly string[]).includes(role))
  );
}
