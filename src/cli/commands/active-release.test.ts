import { describe, expect, it } from 'vitest';
import { autoClock } from '../../../test/support/auto-clock.ts';
import type { Connection, Context } from '../context.ts';
import { findActiveRelease } from './active-release.ts';

const release = (name: string, phase: string) => ({
  metadata: { name, namespace: 'default', creationTimestamp: `2026-11-20T12:00:0${name.at(-1)}.000Z` },
  spec: { application: 'shop', environment: 'local' },
  status: { phase },
});

/** A manager whose track claims `active`, made after so many looks. */
function manager(options: { releases: unknown[]; active: string | null; madeAfter?: number }) {
  let looks = 0;
  const made = release(options.active ?? 'none', 'Pending');
  const api = {
    list: async (kind: string) => ({
      items:
        kind === 'Release'
          ? options.releases
          : [
              {
                metadata: { name: 'shop-local' },
                spec: { application: 'shop', environment: 'local' },
                status: { active: options.active === null ? null : { release: options.active } },
              },
            ],
    }),
    find: async () => {
      looks += 1;
      return looks > (options.madeAfter ?? 0) ? made : undefined;
    },
  };
  const connection = { api, namespace: 'default' } as unknown as Connection;
  const context = { clock: autoClock(), options: {} } as unknown as Context;
  return async () => (await findActiveRelease(context, connection, 'shop')).metadata.name;
}

const ENDED = release('shop-local-r1', 'Succeeded');

describe('a verb for an application', () => {
  it.each<[string, Parameters<typeof manager>[0], string]>([
    [
      'the one under way',
      { releases: [ENDED, release('shop-local-r2', 'Paused')], active: 'shop-local-r2' },
      'shop-local-r2',
    ],
    ['the latest where none is', { releases: [ENDED], active: null }, 'shop-local-r1'],
    [
      'the one that is claimed and not made yet',
      { releases: [ENDED], active: 'shop-local-r2', madeAfter: 3 },
      'shop-local-r2',
    ],
  ])('is meant for %s', async (_, options, expected) => {
    expect(await manager(options)()).toBe(expected);
  });

  it('is refused when the claimed one does not begin', async () => {
    const asked = manager({
      releases: [ENDED],
      active: 'shop-local-r2',
      madeAfter: Number.POSITIVE_INFINITY,
    });
    await expect(asked()).rejects.toThrow('shop-local-r2 waits until other work has ended.');
  });
});
