import { describe, expect, it } from 'vitest';
import {
  type AgentView,
  cancelKey,
  type DispatchAction,
  type ExecutionView,
  planDispatch,
} from './dispatch-plan.ts';

const SUBJECT = 'release/default/shop-r2';
const execution = (epoch: number, sequence: number, more: Partial<ExecutionView> = {}): ExecutionView => ({
  key: `default/shop-r2-e${epoch}-s${sequence}`,
  uid: more.key ?? `default/shop-r2-e${epoch}-s${sequence}`,
  subject: SUBJECT,
  epoch,
  sequence,
  taken: false,
  onceOnly: false,
  asksOnly: false,
  ...more,
});
const agent = (more: Partial<Record<keyof AgentView, string[]>> = {}): AgentView => ({
  sent: new Set(more.sent),
  held: new Set(more.held),
  cancelled: new Set(more.cancelled),
});
const E11 = 'default/shop-r2-e1-s1';
const order = (key: string): DispatchAction => ({ type: 'order', key });
const cancel: DispatchAction = { type: 'cancel', subject: SUBJECT, belowEpoch: 2 };

describe('planDispatch', () => {
  const cases: [string, ExecutionView[], number, AgentView, unknown[]][] = [
    ['a new one is sent', [execution(1, 1)], 1, agent(), [order(E11)]],
    ['what was sent is not sent again', [execution(1, 1)], 1, agent({ sent: [E11] }), []],
    ['what is held is not sent', [execution(1, 1, { taken: true })], 1, agent({ held: [E11] }), []],
    [
      'what was taken and is not held is sent again',
      [execution(1, 1, { taken: true })],
      1,
      agent(),
      [order(E11)],
    ],
    [
      'but not what must not be done twice (INV-14)',
      [execution(1, 1, { taken: true, onceOnly: true })],
      1,
      agent(),
      [{ type: 'lost', key: E11, reason: expect.stringMatching(/INV-14/) }],
    ],
    ['a job that was never taken is sent', [execution(1, 1, { onceOnly: true })], 1, agent(), [order(E11)]],
    [
      'a step waits for the one before it (INV-15)',
      [execution(1, 1), execution(1, 2)],
      1,
      agent({ sent: [E11] }),
      [],
    ],
    [
      'but not for gates that a person skipped',
      [execution(1, 1, { asksOnly: true }), execution(1, 2)],
      1,
      agent({ sent: [E11] }),
      [order('default/shop-r2-e1-s2')],
    ],
    [
      'a step of another subject does not',
      [execution(1, 1), execution(1, 2, { subject: 'track/default/shop', key: 'default/x' })],
      1,
      agent(),
      [order(E11), order('default/x')],
    ],
    [
      'what the agent has of a lower epoch is cancelled, once',
      [execution(1, 1), execution(1, 2), execution(2, 1)],
      2,
      agent({ held: [E11, 'default/shop-r2-e1-s2'] }),
      [cancel, order('default/shop-r2-e2-s1')],
    ],
    ['and not again', [execution(1, 1)], 2, agent({ held: [E11], cancelled: [cancelKey(SUBJECT, 2)] }), []],
    [
      'what it never had is withdrawn (INV-20)',
      [execution(1, 1)],
      2,
      agent(),
      [{ type: 'withdraw', key: E11, reason: expect.stringMatching(/epoch 2/) }],
    ],
    ['sent just now counts as had', [execution(1, 1)], 2, agent({ sent: [E11] }), [cancel]],
  ];
  it.each(cases)('%s', (_, unfinished, epoch, view, actions) =>
    expect(planDispatch(unfinished, () => epoch, view)).toEqual(actions),
  );
});
