import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import type { Clock } from '../../../src/lib/clock.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { keepCertificates } from '../../../src/server/certificate-renewal.ts';
import { type Certificates, ensureCertificates } from '../../../src/server/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { type Harness, startHarness } from './harness.ts';

const DAY_MS = 86_400_000;

/** Time that passes as it is told to: whoever sleeps is woken when the time has come. */
function told(start: number) {
  let now = start;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    setTimer: () => ({ [Symbol.dispose]() {} }),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { at: now + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  };
  return {
    clock,
    sleeping: () => sleepers.size > 0,
    pass: (ms: number) => {
      now += ms;
      for (const sleeper of sleepers) {
        if (sleeper.at > now) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}

const shownBy = (port: number, ca: string): Promise<X509Certificate> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca, servername: 'localhost' }, () => {
      resolve(new X509Certificate(socket.getPeerCertificate().raw));
      socket.destroy();
    });
    socket.on('error', reject);
  });

let harness: Harness | undefined;
const stopping = new AbortController();
afterEach(async () => {
  stopping.abort();
  await harness?.stop();
});

it('shows new connections a new certificate long before the old one ends, without a restart', async () => {
  const files = new Map<string, string>();
  const { clock, pass, sleeping } = told(Date.now() - 337 * DAY_MS);
  let broken = false;
  const ensure = (): Promise<Certificates> =>
    ensureCertificates({
      directory: '/keys',
      names: [],
      random: systemRandom(),
      clock,
      files: {
        read: async (path) => (files.has(path) ? Buffer.from(files.get(path) ?? '') : undefined),
        writeAtomic: async (path, data) => {
          if (broken) throw new Error('the disk is full');
          files.set(path, data.toString());
        },
        makeDirectory: async () => {},
      },
    });
  const first = await ensure();
  harness = await startHarness({ overrides: { tls: { cert: first.cert, key: first.key } } });
  const { server } = harness;
  const errors: unknown[] = [];
  const taken: Certificates[] = [];
  const keeping = keepCertificates({
    clock,
    signal: stopping.signal,
    ensure,
    renewed: async (certificates) => {
      server.renew(certificates);
      taken.push(certificates);
    },
    onError: (error) => errors.push(error),
  });
  const look = async (days: number): Promise<void> => {
    pass(days * DAY_MS);
    await eventually('the next look is awaited', async () => sleeping());
  };
  const before = await shownBy(server.port, first.ca);
  await look(300);
  expect(taken).toEqual([]);
  broken = true;
  await look(36);
  await eventually('a look failed', async () => errors.length === 1);
  broken = false;
  await look(1);
  await eventually('it was renewed', async () => taken.length === 1);
  const after = await shownBy(server.port, first.ca);
  expect(after.serialNumber).not.toBe(before.serialNumber);
  expect(after.validToDate.getTime()).toBeGreaterThan(before.validToDate.getTime() + 300 * DAY_MS);
  expect(taken[0]?.ca).toBe(first.ca);
  stopping.abort();
  await keeping;
});
