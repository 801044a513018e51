import type { Clock } from '../lib/clock.ts';
import { isSlipwayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Random } from '../lib/random.ts';
import type { KubernetesClient } from './api-client.ts';
import type { KubernetesObject, ResourceType } from './resource-type.ts';

export const LEASE: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

interface Lease extends KubernetesObject {
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export interface LeaseOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly namespace: string;
  readonly name: string;
  /** Of this process, and of this start of it: a process that comes again is another holder. */
  readonly holder: string;
  /** Whole seconds; default 15. */
  readonly durationMs?: number;
  readonly signal: AbortSignal;
  /**
   * Called for each time as the holder; aborted `signal` says that the lease is not ours any more. The lease is
   * given up when it resolves.
   */
  lead(signal: AbortSignal): Promise<void>;
}

const DURATION_MS = 15_000;

/**
 * One holder at a time, as client-go's leader election counts (k8s.io/client-go/tools/leaderelection): clocks of
 * different machines are never compared, the time runs from when a renewal was last seen to change. A holder that
 * cannot renew stops two thirds into the time, before another may begin. What acts on it must be fenced all the
 * same: a process may stand still between its last look and its write (INV-16).
 */
export async function holdLease(options: LeaseOptions): Promise<void> {
  const { clock, random, signal, log } = options;
  const durationMs = Math.ceil((options.durationMs ?? DURATION_MS) / 1_000) * 1_000;
  let seen: { readonly version: string | undefined; readonly at: number } | undefined;
  while (!signal.aborted) {
    try {
      const before = await read(options);
      const version = before?.metadata.resourceVersion;
      if (seen?.version !== version || seen === undefined) seen = { version, at: clock.monotonic() };
      const holder = before?.spec?.holderIdentity ?? '';
      const theirsMs = (before?.spec?.leaseDurationSeconds ?? durationMs / 1_000) * 1_000;
      const free = holder === '' || holder === options.holder || clock.monotonic() - seen.at > theirsMs;
      if (free) {
        const askedAt = clock.monotonic();
        const held = await write(options, before, durationMs);
        await keep(options, held, askedAt, durationMs);
        seen = undefined;
      }
    } catch (error) {
      if (signal.aborted) return;
      // Another was first: an ordinary race.
      const raced = isSlipwayError(error, 'conflict') || isSlipwayError(error, 'alreadyExists');
      if (!raced) log.warn('the lease cannot be read or taken', { name: options.name, error });
    }
    await clock.sleep((durationMs / 5) * (0.5 + random.next()), signal).catch(() => undefined);
  }
}

/** Leads while it renews; gives the lease back at the end, so that the next need not wait. */
async function keep(options: LeaseOptions, first: Lease, heldAt: number, durationMs: number): Promise<void> {
  const { clock, signal, log, name } = options;
  const lost = new AbortController();
  const stop = () => lost.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let held = first;
  let renewedAt = heldAt;
  const leading = options.lead(lost.signal).finally(() => lost.abort(new Error('it has ended')));
  leading.catch(() => undefined);
  const lastMs = (durationMs * 2) / 3;
  while (!lost.signal.aborted) {
    await clock.sleep(durationMs / 5, lost.signal).catch(() => undefined);
    if (lost.signal.aborted) break;
    const leftMs = renewedAt + lastMs - clock.monotonic();
    if (leftMs <= 0) {
      log.warn('the lease could not be renewed in time and is given up', { name });
      lost.abort(new Error('the lease could not be renewed'));
      break;
    }
    try {
      const askedAt = clock.monotonic();
      held = await within(clock, leftMs, write(options, held, durationMs));
      renewedAt = askedAt;
    } catch (error) {
      if (isSlipwayError(error, 'conflict') && (await isTaken(options, (now) => (held = now))))
        lost.abort(new Error('another holds the lease'));
      else log.debug('the lease was not renewed, trying again', { name, error });
    }
  }
  signal.removeEventListener('abort', stop);
  try {
    await leading;
  } finally {
    await giveBack(options, held).catch((error: unknown) =>
      log.debug('the lease was not given back; it ends by itself', { name, error }),
    );
  }
}

/** Whether another holds it; where not, `now` is told as it stands. Unknown counts as not yet. */
async function isTaken(options: LeaseOptions, now: (lease: Lease) => void): Promise<boolean> {
  const lease = await read(options).catch(() => undefined);
  if (lease === undefined) return false;
  if (lease.spec?.holderIdentity !== options.holder) return true;
  now(lease);
  return false;
}

const read = ({ client, namespace, name }: LeaseOptions): Promise<Lease | undefined> =>
  client.get<Lease>(LEASE, { namespace, name });

async function write(
  { client, clock, namespace, name, holder }: LeaseOptions,
  before: Lease | undefined,
  durationMs: number,
): Promise<Lease> {
  // MicroTime: RFC 3339 with six digits.
  const now = new Date(clock.now()).toISOString().replace('Z', '000Z');
  const same = before?.spec?.holderIdentity === holder;
  const transitions = before?.spec?.leaseTransitions ?? 0;
  const spec = {
    holderIdentity: holder,
    leaseDurationSeconds: durationMs / 1_000,
    acquireTime: same ? (before?.spec?.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: before === undefined || same ? transitions : transitions + 1,
  };
  return before === undefined
    ? await client.create<Lease>(LEASE, { metadata: { name, namespace }, spec })
    : await client.replace<Lease>(LEASE, { ...before, spec });
}

async function giveBack({ client, holder, clock }: LeaseOptions, held: Lease): Promise<void> {
  if (held.spec?.holderIdentity !== holder) return;
  const renewTime = new Date(clock.now()).toISOString().replace('Z', '000Z');
  await client.replace<Lease>(LEASE, {
    ...held,
    spec: { ...held.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime },
  });
}

async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = clock.setTimer(ms, () => reject(new Error(`not within ${Math.round(ms)} ms`)));
  try {
    return await Promise.race([work, promise]);
  } finally {
    timer[Symbol.dispose]();
  }
}
