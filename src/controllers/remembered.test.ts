import { expect, test } from 'vitest';
import { Remembered } from './remembered.ts';

test('is worked out once for each version of what it is made of', () => {
  const remembered = new Remembered();
  let worked = 0;
  const at = (version: string) =>
    remembered.of('shop', version, () => {
      worked += 1;
      return version;
    });
  expect([at('1'), at('1'), at('2'), at('2'), at('1')]).toEqual(['1', '1', '2', '2', '1']);
  expect(worked).toBe(3);
});

test('forgets what is there no more, and that alone', () => {
  const remembered = new Remembered();
  const ask = (name: string) => {
    let worked = false;
    remembered.of(name, '1', () => {
      worked = true;
    });
    return worked;
  };
  ask('shop');
  ask('blog');
  remembered.forget((name) => name === 'shop');
  expect([ask('shop'), ask('blog')]).toEqual([true, false]);
});
