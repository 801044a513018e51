import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubernetesClient } from '../../src/kubernetes/api-client.ts';
import { holdLease } from '../../src/kubernetes/lease.ts';
import { LEASE } from '../../src/kubernetes/lease-record.ts';
import type { KubernetesObject } from '../../src/kubernetes/resource-type.ts';
import { eventually } from '../support/eventually.ts';
import { clientOf, clock, credentials, inNamespace, log, random } from './support/cluster.ts';
import { FaultProxy } from './support/fault-proxy.ts';

const DURATION_MS = 3_000;
type Lease = KubernetesObject & {
  readonly spec: { readonly holderIdentity: string; leaseTransitions: number };
};

let direct: KubernetesClient;
beforeAll(async () => {
  direct = clientOf(await credentials());
});
afterAll(() => direct.close());

/** One process that wants the lease, by way of a proxy of its own, and the times at which it led. */
async function candidate(namespace: string, holder: string) {
  const proxy = await new FaultProxy(await credentials()).start();
  const client = clientOf(proxy.credentials);
  const ending = new AbortController();
  const led: { from: number; to: number | null }[] = [];
  const over = holdLease({
    ...{ client, clock, random, log, namespace, holder, name: 'manager', durationMs: DURATION_MS },
    signal: ending.signal,
    lead: (signal) =>
      new Promise((resolve) => {
        const time = { from: performance.now(), to: null as number | null };
        led.push(time);
        signal.addEventListener('abort', () => {
          time.to = performance.now();
          resolve();
        });
      }),
  });
  return {
    led,
    proxy,
    leads: () => led.at(-1) !== undefined && led.at(-1)?.to === null,
    stop: async () => {
      ending.abort(new Error('the test is over'));
      await over;
      client.close();
      await proxy.stop();
    },
  };
}

const lease = (namespace: string) => direct.get<Lease>(LEASE, { namespace, name: 'manager' });

describe('a lease on a real API server', () => {
  it('outlives a renewal that gets no answer', () =>
    inNamespace(direct, async (namespace) => {
      const holder = await candidate(namespace, 'a');
      try {
        await eventually('it to lead', () => holder.leads());
        let swallowed = 0;
        holder.proxy.fault = (call) =>
          call.startsWith('PUT') && swallowed++ === 0 ? { swallow: true } : undefined;
        await eventually('renewals behind it', () => swallowed > 4, { timeoutMs: 20_000 });
        expect(holder.led).toHaveLength(1);
        expect(holder.leads()).toBe(true);
      } finally {
        await holder.stop();
      }
    }));

  it('has one holder, goes on at once where it is given back, and is taken from one that is cut off', () =>
    inNamespace(direct, async (namespace) => {
      const [a, b] = [await candidate(namespace, 'a'), await candidate(namespace, 'b')];
      try {
        await eventually('a holder', () => a.leads() || b.leads());
        const [first, second] = a.leads() ? [a, b] : [b, a];
        await eventually(
          'renewals',
          async () => Number((await lease(namespace))?.metadata.resourceVersion) > 0,
        );
        expect(second.led).toEqual([]);

        // Cut off: it stops by itself before the other may begin.
        first.proxy.fault = () => ({ reset: 'before' });
        await first.proxy.breakConnections();
        await eventually('the other to lead', () => second.leads(), { timeoutMs: 20_000 });
        const [ended] = first.led;
        expect(ended?.to).not.toBeNull();
        expect(second.led[0]?.from).toBeGreaterThan(ended?.to ?? Number.POSITIVE_INFINITY);
        expect((await lease(namespace))?.spec.leaseTransitions).toBe(1);

        // Given back at the end of its holder: nobody waits for the time to be over.
        first.proxy.fault = () => undefined;
        const before = performance.now();
        await second.stop();
        await eventually('the first to lead again', () => first.leads());
        expect(performance.now() - before).toBeLessThan(DURATION_MS);
        expect(first.led[1]?.from).toBeGreaterThan(second.led[0]?.to ?? Number.POSITIVE_INFINITY);
      } finally {
        await Promise.all([a.stop(), b.stop()]);
      }
    }));
});
