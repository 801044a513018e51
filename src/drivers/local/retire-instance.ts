import { existsSync } from 'node:fs';
import { durationMs } from '../../api/duration.ts';
import { instant } from '../../lib/clock.ts';
import { termFileOf } from '../../lib/process-wrapper.ts';
import type { BackendLoad } from '../../router/table.ts';
import { retryDelayMs } from './backoff.ts';
import { firstOf } from './first-of.ts';
import type { Instance } from './instance.ts';
import type { InstanceContext } from './instance-context.ts';
import { isUnavailable } from './table-writer.ts';

const SETTLE_MS = 5_000;
/** So long after it was noted SIGTERM may be sent without noting it again; its grace is shorter by as much. */
const NOTED_MS = 1_000;

/**
 * Takes one instance out of service so that no request fails (design section 6, "Retiring an instance"):
 *
 *   draining in the table, acknowledged → ordinary requests 0, or the request cap → its idle upstream
 *   connections closed → SIGTERM, while streams stay connected for the application to end → grace →
 *   SIGKILL → out of the table
 *
 * The order is the promise: closing idle connections before SIGTERM leaves the router none that it could
 * send a request into while the application closes it. Called again after a restart it goes on where it
 * was; the process may end by itself at any point, and then the rest is skipped.
 */
export async function retireInstance(context: InstanceContext, instance: Instance): Promise<void> {
  const { clock } = context;
  const { drain } = instance.wish.spec;
  await instance.beginRetiring();
  if (instance.hasEnded && instance.record.identity === null) return;
  // Asked for at once: the table may wait for other writes, and what leaves meanwhile was inside too.
  const [before] = await Promise.all([
    instance.record.port === null ? undefined : loadOf(context, instance),
    context.tableInForce(),
  ]);
  const startedAt = clock.monotonic();
  const began = instance.record.retiring?.startedAt ?? clock.now();
  if (instance.record.port === null) {
    const graceMs = Math.max(durationMs(drain.grace), durationMs(drain.timeout));
    const killed = await end(context, instance, graceMs);
    const ms = Math.round(clock.monotonic() - startedAt);
    const record = { instance: instance.id, startedAt: instant(began), ms, requests: 0, streams: 0, cut: 0 };
    if (killed) await context.drained(instance, { ...record, killed });
    return;
  }

  const capMs = leftOf(durationMs(drain.timeout), began, clock.now());
  const atTerm = await Promise.race([awaitDrained(context, instance, false, capMs), instance.ended]);
  let quietAt = clock.monotonic();
  // Noted beside the router's work: one wait for the disk less before SIGTERM.
  await Promise.all([
    noteTerm(context, instance),
    patiently(context, instance, () => context.control.closeIdle(instance.id)),
  ]);

  const streamsMs = durationMs(drain.streamTimeout);
  const streamsGone =
    (atTerm?.streams ?? 0) + (atTerm?.requests ?? 0) === 0
      ? Promise.resolve()
      : Promise.race([awaitDrained(context, instance, true, streamsMs), instance.ended]).then(() => {
          quietAt = clock.monotonic();
        });
  const killed = await end(context, instance, Math.max(durationMs(drain.grace), streamsMs));
  await streamsGone;

  // What it wrote last may wait behind a slow client: read to its end, it says whose answer was cut short.
  await patiently(context, instance, () => context.control.ended(instance.id));
  const after = await awaitDrained(context, instance, true, SETTLE_MS);
  await context.drained(instance, {
    instance: instance.id,
    startedAt: instant(began),
    ms: Math.round(quietAt - startedAt),
    requests: before?.requests ?? 0,
    streams: before?.streams ?? 0,
    // Nobody told it to end where it ended before that.
    cut: atTerm == null ? 0 : Math.max(0, failuresOf(after) - failuresOf(atTerm)),
    ...(killed ? { killed } : {}),
  });
}

/** From when on its grace runs, over restarts too: durable when it resolves. Null where there is nobody to end. */
async function noteTerm(context: InstanceContext, instance: Instance): Promise<number | null> {
  const { identity, retiring } = instance.record;
  if (identity === null || retiring === null) return null;
  const now = context.clock.now();
  const { termAt } = retiring;
  // What was noted before a SIGTERM that was not sent then, or not soon, is no beginning of a grace.
  if (termAt !== null && (wasTold(instance) || leftOf(NOTED_MS, termAt, now) > 0)) return termAt;
  await instance.save({ retiring: { ...retiring, termAt: now } });
  return now;
}

/** Whether SIGTERM has come to it. */
const wasTold = (instance: Instance): boolean => existsSync(termFileOf(instance.paths.exit));

/** SIGTERM once, then SIGKILL after the grace; resolves when the process is gone, with whether it was killed. */
async function end(context: InstanceContext, instance: Instance, graceMs: number): Promise<boolean> {
  const { clock, processes } = context;
  const { identity } = instance.record;
  const termAt = await noteTerm(context, instance);
  if (identity === null || termAt === null) return false;
  // Many applications take a second SIGTERM for "now", so one that a former driver sent is not repeated.
  if (!instance.hasEnded && !wasTold(instance)) await processes.signalGroup(identity, 'SIGTERM');
  const leftMs = leftOf(graceMs, termAt, clock.now());
  if (await firstOf(clock, leftMs, [instance.ended])) return false;
  context.log.warn('an instance ignored SIGTERM for its whole grace; killing it', {
    instance: instance.id,
    graceMs,
  });
  await processes.signalGroup(identity, 'SIGKILL');
  await instance.ended;
  return true;
}

/** What is left of a time that began by the wall clock, which may have been set back or forth since. */
const leftOf = (ms: number, beganAt: number, now: number): number =>
  Math.min(ms, Math.max(0, beganAt + ms - now));

const loadOf = (context: InstanceContext, instance: Instance): Promise<BackendLoad | undefined> =>
  patiently(context, instance, () => context.control.load(instance.id));

/**
 * Waits across restarts of the router; what was inside it is gone with it. Answers the load at the end of the
 * wait: an instance that drains gets nothing new, so what it says stays true.
 */
function awaitDrained(
  context: InstanceContext,
  instance: Instance,
  streams: boolean,
  capMs: number,
): Promise<BackendLoad | undefined> {
  const deadline = context.clock.monotonic() + capMs;
  return patiently(context, instance, async () => {
    const timeoutMs = Math.max(0, Math.ceil(deadline - context.clock.monotonic()));
    return await context.control.awaitDrained(instance.id, { streams, timeoutMs });
  });
}

/** Asks until the router answers; gives up (undefined) once the process has ended, since nothing is inside then. */
async function patiently<T>(
  context: InstanceContext,
  instance: Instance,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  for (let attempt = 0; ; attempt += 1) {
    context.signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      if (instance.hasEnded) return undefined;
      await context.clock.sleep(retryDelayMs(attempt), context.signal);
    }
  }
}

const failuresOf = (load: BackendLoad | undefined): number =>
  load === undefined ? 0 : Object.values(load.failed).reduce((total, count) => total + count, 0);
