import { createServer } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import type { JsonFile } from './json-file.ts';

/**
 * Below the range from which the kernel takes the ports of outgoing connections (32768 and up on Linux,
 * 49152 on macOS): a port from there can be gone again between our test and the application's listen.
 */
const FIRST = 20_000;
const COUNT = 12_000;
const TRIES = 200;

/** A port that may not be used before `until` (ms since 1970). */
export interface QuarantinedPort {
  readonly port: number;
  readonly until: number;
}

type QuarantineFile = Pick<JsonFile<readonly QuarantinedPort[]>, 'value' | 'save'>;

/**
 * Ports for instances on loopback. One is never handed out twice at a time, nor within `quarantineMs` after
 * the table without it was acknowledged, since a request that is on its way there must not reach another
 * instance. The quarantine survives restarts.
 */
export class Ports {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #file: QuarantineFile;
  readonly #quarantineMs: number;
  readonly #count: number;
  readonly #isFree: (port: number) => Promise<boolean>;
  readonly #taken = new Set<number>();

  constructor(options: {
    clock: Clock;
    random: Random;
    file: QuarantineFile;
    quarantineMs: number;
    /** How many there are; default 12,000. */
    count?: number;
    /** Whether nobody else listens there; default: it is tried. */
    isFree?: (port: number) => Promise<boolean>;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#file = options.file;
    this.#quarantineMs = options.quarantineMs;
    this.#count = options.count ?? COUNT;
    this.#isFree = options.isFree ?? canListen;
  }

  /** A port on which nobody listens. It stays taken until `quarantine`. */
  async take(): Promise<number> {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const port = FIRST + Math.floor(this.#random.next() * this.#count);
      if (this.#taken.has(port) || this.#isQuarantined(port)) continue;
      // Taken before the test, so that two instances that start together cannot both get it.
      this.#taken.add(port);
      if (await this.#isFree(port)) return port;
      this.#taken.delete(port);
    }
    throw new SlipwayError(
      'unavailable',
      `no free port found between ${FIRST} and ${FIRST + this.#count - 1}`,
    );
  }

  /** Remembers the port of an instance that was adopted. */
  hold(port: number): void {
    this.#taken.add(port);
  }

  /** Gives back a port that no table ever named. */
  release(port: number): void {
    this.#taken.delete(port);
  }

  /** Gives back a port once the table without it was acknowledged. */
  async quarantine(port: number): Promise<void> {
    const now = this.#clock.now();
    const still = this.#file.value.filter((entry) => entry.until > now && entry.port !== port);
    const saved = this.#file.save([...still, { port, until: now + this.#quarantineMs }]);
    this.#taken.delete(port);
    await saved;
  }

  #isQuarantined(port: number): boolean {
    const now = this.#clock.now();
    // A clock that was set back must not lock a port for longer than the quarantine.
    return this.#file.value.some(
      (entry) => entry.port === port && entry.until > now && entry.until <= now + this.#quarantineMs,
    );
  }
}

/** Every address at once, so that a listener on any of them counts; IPv4 alone where there is no IPv6. */
async function canListen(port: number): Promise<boolean> {
  const outcome = await tryListen(port, '::');
  return outcome === 'noAddress' ? (await tryListen(port, '0.0.0.0')) === 'free' : outcome === 'free';
}

const tryListen = (port: number, host: string): Promise<'free' | 'inUse' | 'noAddress'> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve('inUse');
      else if (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL') resolve('noAddress');
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve('free')));
  });
