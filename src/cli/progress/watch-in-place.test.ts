import { expect, test } from 'vitest';
import { type InPlaceState, type InPlaceView, inPlaceState } from './watch-in-place.ts';

const view = (of: {
  generation?: number;
  track?: Record<string, unknown>;
  running?: string;
  failure?: string;
}): InPlaceView =>
  ({
    application: { metadata: { generation: of.generation ?? 2 }, status: { observedGeneration: 2 } },
    track: { active: null, work: null, ...of.track },
    execution: {
      metadata: { name: 'e1' },
      status: {
        failure: of.failure === undefined ? null : { message: of.failure, affects: 'Nobody.', next: '' },
        instructions: [{ state: 'running', message: of.running ?? '' }],
      },
    },
  }) as unknown as InPlaceView;
const work = (purpose: string, claim: string | null = null) => ({
  work: { purpose, claim, execution: 'e1' },
});

test.each<[string, InPlaceView, string | undefined, InPlaceState]>([
  ['not looked at yet', view({ generation: 3 }), undefined, { state: 'under way', message: '' }],
  [
    'under way',
    view({ track: work('inPlace'), running: '2 of 4 ready' }),
    undefined,
    { state: 'under way', message: '2 of 4 ready' },
  ],
  ['done', view({}), undefined, { state: 'done' }],
  ['something else is under way', view({ track: work('retire') }), undefined, { state: 'done' }],
  [
    'a release comes first',
    view({ track: { active: { release: 'shop-local-r2' } } }),
    undefined,
    { state: 'under way', message: 'waits until release shop-local-r2 has ended' },
  ],
  [
    'failed',
    view({ track: work('inPlace'), failure: 'no port is free' }),
    undefined,
    { state: 'failed', lines: ['no port is free', 'Nobody.'] },
  ],
  [
    'waits for an approval',
    view({ track: { change: { state: 'waiting', who: 'releaser', summary: 'shop 2 → 4 instances' } } }),
    undefined,
    {
      state: 'waits',
      lines: [
        'It waits for an approval by anyone with role releaser: shop 2 → 4 instances.',
        'slipway approve shop',
        'slipway reject shop',
      ],
    },
  ],
  ['a restart under way', view({ track: work('restart', 'u1') }), 'u1', { state: 'under way', message: '' }],
  ['a restart that is done', view({}), 'u1', { state: 'done' }],
  ['a restart, and then another', view({ track: work('restart', 'u2') }), 'u1', { state: 'done' }],
])('how far a change in place has come: %s', (_, seen, restart, expected) => {
  expect(inPlaceState('shop', seen, restart)).toEqual(expected);
});
