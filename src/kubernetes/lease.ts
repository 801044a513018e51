import { equalJson } from '../lib/equal-json.ts';
import { isSlipwayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Random } from '../lib/random.ts';
import { type Lease, LeaseRecord, type LeaseRecordOptions, leaseMs } from './lease-record.ts';

export interface LeaseOptions extends LeaseRecordOptions {
  readonly random: Random;
  readonly log: Log;
  /** Of this process, and of this start of it: a process that comes again is another holder. */
  readonly holder: string;
  readonly signal: AbortSignal;
  /**
   * Called for each time as the holder; aborted `signal` says that the lease is not ours any more. The lease is
   * given up when it resolves or rejects, and then taken again where nobody else does.
   */
  lead(signal: AbortSignal): Promise<void>;
}

/** Conflicts with writes of other fields after which a renewal is left to the next turn. */
const RENEWAL_ATTEMPTS = 5;

/**
 * One holder at a time, as client-go's leader election counts (k8s.io/client-go/tools/leaderelection): clocks of
 * different machines are never compared, the time runs from when a renewal was last seen to change. A holder that
 * cannot renew stops two thirds into the time, before another may begin. What acts on it must be fenced all the
 * same: a process may stand still between its last look and its write (INV-16).
 */
export async function holdLease(options: LeaseOptions): Promise<void> {
  const { clock, random, signal, log, holder } = options;
  const record = new LeaseRecord(options);
  const durationMs = leaseMs(options);
  let seen: { readonly spec: Lease['spec']; readonly at: number } | undefined;
  while (!signal.aborted) {
    try {
      const before = await record.read();
      const spec = before?.spec;
      // Of the rest of it others write what they like.
      if (seen === undefined || !equalJson(seen.spec, spec)) seen = { spec, at: clock.monotonic() };
      const theirsMs = (spec?.leaseDurationSeconds ?? durationMs / 1_000) * 1_000;
      const isOver = clock.monotonic() - seen.at > theirsMs;
      if (isOver || !spec?.holderIdentity || spec.holderIdentity === holder) {
        const askedAt = clock.monotonic();
        const held = await record.write(before, durationMs);
        seen = undefined;
        await keep(options, record, held, askedAt, durationMs);
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
async function keep(
  options: LeaseOptions,
  record: LeaseRecord,
  first: Lease,
  takenAt: number,
  durationMs: number,
): Promise<void> {
  const { clock, signal, log, name, holder } = options;
  const lost = new AbortController();
  const stop = () => lost.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let held = first;
  let limit: Disposable | undefined;
  const ours = (lease: Lease, askedAt: number) => {
    held = lease;
    if (lost.signal.aborted) return;
    limit?.[Symbol.dispose]();
    const leftMs = askedAt + (durationMs * 2) / 3 - clock.monotonic();
    const expire = () => {
      log.warn('the lease could not be renewed in time and is given up', { name });
      lost.abort(new Error('the lease could not be renewed'));
    };
    if (leftMs <= 0) expire();
    else limit = clock.setTimer(leftMs, expire);
  };
  const renew = async () => {
    for (let attempt = 1; attempt <= RENEWAL_ATTEMPTS && !lost.signal.aborted; attempt += 1) {
      const askedAt = clock.monotonic();
      try {
        ours(await record.write(held, durationMs), askedAt);
        return;
      } catch (error) {
        if (!isSlipwayError(error, 'conflict')) throw error;
      }
      const now = await record.read();
      if (now !== undefined && now.spec?.holderIdentity !== holder)
        lost.abort(new Error('another holds the lease'));
      held = now ?? held;
    }
  };
  ours(first, takenAt);
  const leading = lost.signal.aborted
    ? Promise.resolve()
    : (async () => options.lead(lost.signal))().finally(() => lost.abort(new Error('it has ended')));
  leading.catch(() => undefined);
  while (!lost.signal.aborted) {
    await clock.sleep(durationMs / 5, lost.signal).catch(() => undefined);
    if (!lost.signal.aborted)
      await unlessAborted(renew(), lost.signal).catch((error: unknown) =>
        log.debug('the lease was not renewed, trying again', { name, error }),
      );
  }
  limit?.[Symbol.dispose]();
  signal.removeEventListener('abort', stop);
  await leading.catch((error: unknown) => {
    if (error !== lost.signal.reason) log.error('what was led has failed', { name, error });
  });
  await giveBack(options, record, held, durationMs / 5);
}

async function giveBack(
  { clock, log, name }: LeaseOptions,
  record: LeaseRecord,
  held: Lease,
  limitMs: number,
): Promise<void> {
  const over = new AbortController();
  using _ = clock.setTimer(limitMs, () => over.abort(new Error(`not within ${limitMs} ms`)));
  const words = 'the lease was not given back; it ends by itself';
  const giving = record
    .giveBack(held, over.signal)
    .catch((error: unknown) => log.debug(words, { name, error }));
  await unlessAborted(giving, over.signal);
}

/** Waits for it as long as the signal lives; it may go on. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
