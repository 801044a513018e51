import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { anySignal } from './any-signal.ts';

it('is aborted with the first of its sources, for its reason', () => {
  const [first, second] = [new AbortController(), new AbortController()];
  using both = anySignal([first.signal, second.signal]);
  expect(both.signal.aborted).toBe(false);
  second.abort('second');
  first.abort('first');
  expect(both.signal.reason).toBe('second');
});

it('is aborted from the beginning where a source is', () => {
  using both = anySignal([new AbortController().signal, AbortSignal.abort('over')]);
  expect(both.signal.reason).toBe('over');
});

it('leaves nothing at its sources when its scope ends', () => {
  const source = new AbortController();
  {
    using _ = anySignal([source.signal]);
    expect(getEventListeners(source.signal, 'abort')).toHaveLength(1);
  }
  expect(getEventListeners(source.signal, 'abort')).toHaveLength(0);
});
