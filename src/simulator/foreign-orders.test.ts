import { expect, it } from 'vitest';
import { parseManagerFrame } from '../execution/frames.ts';
import { unknownOrder } from './foreign-orders.ts';

const ORDER = JSON.stringify({
  type: 'order',
  execution: 'shop-local-r2-e1-s1',
  namespace: 'default',
  uid: 'u',
  spec: {
    instructions: [
      {
        id: 'web/ensure',
        needs: [],
        type: 'ensureWorkload',
        side: 'to',
        workload: 'web',
        replicas: { kind: 'full' },
      },
    ],
  },
});

it.each([
  ['a kind of instruction', 0],
  ['a side', 0.4],
  ['a kind of count', 0.9],
])('%s that nobody knows is refused by the name of its order', (_, pick) => {
  expect(parseManagerFrame(unknownOrder(ORDER, pick))).toMatchObject({
    ok: false,
    error: { order: { execution: 'shop-local-r2-e1-s1-unknown', namespace: 'default' } },
  });
});
