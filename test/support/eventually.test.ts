import { describe, expect, it } from 'vitest';
import { EventuallyTimeout, eventually, eventuallyEquals } from './eventually.ts';

describe('eventually', () => {
  it('returns the first truthy value', async () => {
    let looks = 0;
    expect(await eventually('the third look', () => (++looks === 3 ? { looks } : undefined))).toEqual({
      looks: 3,
    });
  });

  it('takes an error for "not yet"', async () => {
    let looks = 0;
    const value = await eventually('a look that works', () => {
      if (++looks < 3) throw new Error('not yet');
      return 'here';
    });
    expect(value).toBe('here');
  });

  const refusals: ReadonlyArray<[name: string, look: () => unknown, says: RegExp]> = [
    ['a falsy value', () => null, /waited \d+ ms for the moon; last seen: null/],
    [
      'an error',
      () => {
        throw new TypeError('no moon');
      },
      /last seen: TypeError: no moon/,
    ],
    ['a look that hangs', () => new Promise(() => undefined), /the first look did not return/],
  ];
  it.each(refusals)('says at the deadline what it waited for and saw: %s', async (_name, look, says) => {
    const waiting = eventually('the moon', look, { timeoutMs: 40 });
    await expect(waiting).rejects.toThrow(EventuallyTimeout);
    await expect(waiting).rejects.toThrow(says);
  });

  it('shows both sides of an equality', async () => {
    await eventuallyEquals('the list', () => [1], [1]);
    await expect(eventuallyEquals('the list', () => [1], [2], { timeoutMs: 30 })).rejects.toThrow(
      /for the list to be \[2\]; last seen: Error: is \[1\]/,
    );
  });
});
