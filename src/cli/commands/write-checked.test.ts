import { describe, expect, it } from 'vitest';
import type { Application } from '../../api/application.ts';
import type { Stored } from '../../api/meta.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Connection } from '../context.ts';
import type { ContentChange } from './application-change.ts';
import { writeChecked } from './write-checked.ts';

type Shop = Stored<Application>;
const shop = (version: number, workload: Record<string, unknown>, more: Record<string, unknown> = {}): Shop =>
  ({
    metadata: { name: 'shop', uid: 'u1', resourceVersion: String(version) },
    spec: { workload },
    ...more,
  }) as unknown as Shop;

const artifactOf = ({ spec }: Shop) => (spec.workload as { artifact?: string } | undefined)?.artifact;
const change: ContentChange = {
  apply: (stored) =>
    ({ ...stored, spec: { ...stored.spec, workload: { ...stored.spec.workload, artifact: 'new' } } }) as Shop,
  touched: artifactOf,
  override: undefined,
};

/** A manager in which the application is changed just before the first write. */
async function write(meanwhile: Shop) {
  let stored = meanwhile;
  const checked: (string | undefined)[] = [];
  const api = {
    get: async () => stored,
    replace: async (object: Shop) => {
      if (object.metadata.resourceVersion !== stored.metadata.resourceVersion)
        throw new SlipwayError('conflict', 'Application shop was changed meanwhile');
      stored = object;
      return object;
    },
  };
  const connection = { api, namespace: 'default' } as unknown as Connection;
  await writeChecked(connection, shop(1, { artifact: 'old' }), change, async (changed) => {
    checked.push(changed.metadata.resourceVersion);
  });
  return { stored, checked };
}

describe('a change that meets another', () => {
  it.each<[string, Shop, Record<string, unknown>, string[]]>([
    ['none', shop(1, { artifact: 'old' }), { artifact: 'new' }, ['1']],
    ['a status alone', shop(2, { artifact: 'old' }, { status: {} }), { artifact: 'new' }, ['1', '2']],
    ['the size', shop(2, { artifact: 'old', replicas: 8 }), { artifact: 'new', replicas: 8 }, ['1', '2']],
  ])('%s: is written over it, checked against the very state', async (_, meanwhile, workload, states) => {
    const { stored, checked } = await write(meanwhile);
    expect(stored.spec.workload).toEqual(workload);
    expect(checked).toEqual(states);
  });

  it.each<[string, Shop]>([
    ['the same content', shop(2, { artifact: 'theirs' })],
    [
      'another application of that name',
      { ...shop(2, { artifact: 'old' }), metadata: { ...shop(2, {}).metadata, uid: 'u2' } },
    ],
  ])('%s: is a conflict', async (_, meanwhile) => {
    await expect(write(meanwhile)).rejects.toThrow('changed meanwhile');
  });
});
