import type { KubernetesClient } from '../../src/kubernetes/api-client.ts';
import { KubernetesError, noAnswer } from '../../src/kubernetes/api-error.ts';
import { holdLease, type LeaseOptions } from '../../src/kubernetes/lease.ts';
import type { KubernetesObject } from '../../src/kubernetes/resource-type.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import type { Random } from '../../src/lib/random.ts';
import { autoClock } from './auto-clock.ts';

type Verb = 'get' | 'create' | 'replace';
/** What happens to a request: it is answered after `ms`, refused at once, never arrives, or its answer is lost. */
export type Fault = (verb: Verb) => { readonly ms: number } | Error | 'silence' | 'unanswered' | undefined;
export interface LeaseObject extends KubernetesObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseTransitions?: number;
    readonly acquireTime?: string;
  };
}
export interface Candidate {
  /** From when to when it led, ms; the last may have no end yet. */
  readonly led: { from: number; to?: number }[];
  readonly errors: string[];
  readonly ended: Promise<void>;
  stop(): void;
}

/** After which a client gives a request up. */
const TIMEOUT_MS = 30_000;

export const lost = noAnswer('update leases', 'it cannot be reached');

/** One lease on a server with optimistic concurrency, in virtual time. */
export function leaseWorld() {
  const clock = autoClock();
  let stored: LeaseObject | undefined;
  let version = 0;
  const store = (object: LeaseObject) => {
    version += 1;
    stored = { ...object, metadata: { ...object.metadata, resourceVersion: version.toString() } };
    return stored;
  };
  const verbs = {
    get: () => stored,
    create: (object: LeaseObject) => {
      if (stored !== undefined) throw new KubernetesError('alreadyExists', 'it exists', { http: 409 });
      return store(object);
    },
    replace: (object: LeaseObject) => {
      if (stored?.metadata.resourceVersion !== object.metadata.resourceVersion)
        throw new KubernetesError('conflict', 'it was written', { http: 409 });
      return store(object);
    },
  };
  const clientOf = (fault: Fault): KubernetesClient => {
    const send = async <T>(verb: Verb, act: () => T): Promise<T> => {
      const what = fault(verb) ?? { ms: 10 };
      if (what instanceof Error) throw what;
      if (what === 'silence' || what === 'unanswered') {
        if (what === 'unanswered') act();
        await clock.sleep(TIMEOUT_MS);
        throw lost;
      }
      await clock.sleep(what.ms / 2);
      const answer = act();
      await clock.sleep(what.ms / 2);
      return answer;
    };
    return {
      get: () => send('get', verbs.get),
      create: (_: unknown, object: LeaseObject) => send('create', () => verbs.create(object)),
      replace: (_: unknown, object: LeaseObject) => send('replace', () => verbs.replace(object)),
    } as unknown as KubernetesClient;
  };
  /** A process that wants to lead; by default it does so until it is told to stop. */
  const start = (
    holder: string,
    {
      fault = () => undefined,
      wallMs = 0,
      lead = (signal) => clock.sleep(Number.MAX_SAFE_INTEGER, signal).catch(() => undefined),
    }: { fault?: Fault; wallMs?: number; lead?: LeaseOptions['lead'] } = {},
  ): Candidate => {
    const control = new AbortController();
    const led: Candidate['led'] = [];
    const errors: string[] = [];
    const own: Clock = { ...clock, now: () => clock.now() + wallMs };
    const ended = holdLease({
      ...{
        client: clientOf(fault),
        clock: own,
        random: { next: () => 0.5 } as Random,
        signal: control.signal,
      },
      ...{ namespace: 'slipway', name: 'manager', holder },
      log: { ...silentLog, error: (message) => errors.push(message) },
      lead: async (signal) => {
        const time: { from: number; to?: number } = { from: clock.monotonic() };
        led.push(time);
        signal.addEventListener('abort', () => (time.to ??= clock.monotonic()));
        try {
          await lead(signal);
        } finally {
          time.to ??= clock.monotonic();
        }
      },
    });
    return { led, errors, ended, stop: () => control.abort(new Error('it stops')) };
  };
  return {
    clock,
    start,
    stored: () => stored,
    /** Somebody else writes a label. */
    touch: () =>
      stored && store({ ...stored, metadata: { ...stored.metadata, labels: { n: `${version}` } } }),
  };
}
