import { describe, expect, it } from 'vitest';
import type { Files } from '../../lib/files.ts';
import { JsonFile } from './json-file.ts';

describe('JsonFile', () => {
  it('tells what is durable from what is on its way, and goes back where the disk is full', async () => {
    const gates: PromiseWithResolvers<void>[] = [];
    const files = {
      read: async () => Buffer.from('1'),
      writeAtomic: () => {
        const gate = Promise.withResolvers<void>();
        gates.push(gate);
        return gate.promise;
      },
    } as unknown as Files;
    const file = await JsonFile.open<number>(files, 'x.json', 0);
    expect([file.value, file.durable]).toEqual([1, 1]);
    const second = file.save(2);
    expect([file.value, file.durable]).toEqual([2, 1]);
    gates[0]?.resolve();
    await second;
    expect([file.value, file.durable]).toEqual([2, 2]);
    const third = file.save(3);
    gates[1]?.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    await expect(third).rejects.toThrow('x.json cannot be written: the disk is full');
    expect([file.value, file.durable]).toEqual([2, 2]);
  });

  it.each<[string, () => Promise<Buffer>, RegExp]>([
    ['is broken', async () => Buffer.from('{'), /x\.json is not valid JSON/],
    [
      'is closed to us',
      () => Promise.reject(new Error('EACCES: permission denied')),
      /x\.json cannot be read: EACCES/,
    ],
  ])('says which file %s', async (_name, read, says) => {
    await expect(JsonFile.open({ read } as unknown as Files, 'x.json', 0)).rejects.toThrow(says);
  });
});
