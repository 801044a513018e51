import { describe, expect, it } from 'vitest';
import { RouteSpec } from '../../api/application.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Network } from '../../lib/network.ts';
import type { TrafficWish } from '../cluster-driver.ts';
import { answersNeeded, proveAfter } from './prove-after.ts';

const wish = (
  weights: Record<string, number>,
  routes = [RouteSpec.parse({ host: 'shop.localhost' })],
): TrafficWish => ({
  service: { namespace: 'n', application: 'shop', environment: 'e', workload: 'shop' },
  routes,
  weights,
  aliases: { new: null, old: null },
  fence: { subject: 's', epoch: 1, sequence: 1 },
});
/** Answers by the number of the request; null: no answer. */
const network = (answer: (n: number) => string | null): Network => {
  let n = 0;
  return {
    connect: async () => undefined,
    request: async () => {
      const version = answer(n++);
      if (version === 'refused') throw new Error('connect ECONNREFUSED');
      const headers: Record<string, string> = version === null ? {} : { 'slipway-revision': version };
      return {
        status: version === null ? 503 : 200,
        headers,
        body: Buffer.alloc(0),
        truncated: false,
        ms: 1,
      };
    },
  };
};
const prove = (next: TrafficWish, answer: (n: number) => string | null, deadlineMs = 5_000) =>
  proveAfter({
    wish: next,
    entry: { host: '127.0.0.1', port: 1 },
    network: network(answer),
    clock: systemClock(),
    deadlineMs,
    signal: AbortSignal.timeout(10_000),
  });

describe('the proof after a flip', () => {
  it.each([
    [[100], 20],
    [[67, 33], 35],
    [[95, 5], 270],
    [[99, 1], 1_375],
    [[100, 0], 20],
  ])('needs for weights %j %d answers', (weights, needed) => expect(answersNeeded(weights)).toBe(needed));

  it('is decided by the last answers, whatever came before', async () => {
    const proof = await prove(wish({ b: 100 }), (n) => (n < 30 ? 'a' : 'b'));
    expect(proof).toMatchObject({ ok: true, seen: { a: 30 }, failed: 0, basis: 'version header' });
    expect(proof.seen.b).toBeGreaterThanOrEqual(20);
  });

  it('waits for every version that has weight', async () => {
    const proof = await prove(wish({ a: 50, b: 50 }), (n) => (n < 100 ? 'a' : 'b'));
    expect(proof.ok).toBe(true);
    expect(proof.seen.b).toBeGreaterThanOrEqual(1);
  });

  const refusals: [name: string, TrafficWish, (n: number) => string | null, RegExp][] = [
    [
      'a version without weight keeps answering',
      wish({ b: 100 }),
      (n) => (n % 5 === 0 ? 'a' : 'b'),
      /a, which has no weight, answered/,
    ],
    ['a weighted version never answers', wish({ a: 50, b: 50 }), () => 'a', /b did not answer once/],
    ['the router has nobody', wish({ b: 100 }), () => null, /the router itself answered 503/],
    ['nobody listens', wish({ b: 100 }), () => 'refused', /ECONNREFUSED/],
  ];
  it.each(refusals)('is refused at the deadline: %s', async (_name, next, answer, says) => {
    const proof = await prove(next, answer, 60);
    expect(proof.ok).toBe(false);
    expect(proof.message).toMatch(says);
    expect(proof.requests).toBe(Object.values(proof.seen).reduce((sum, n) => sum + n, 0) + proof.failed);
  });

  it("says that there is no evidence but the router's word where no route leads there", async () => {
    expect(await prove(wish({ b: 100 }, []), () => 'b')).toMatchObject({
      ok: true,
      requests: 0,
      basis: 'control-plane evidence only',
    });
  });
});
