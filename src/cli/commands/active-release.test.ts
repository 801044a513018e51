import { describe, expect, it } from 'vitest';
import { autoClock } from '../../../test/support/auto-clock.ts';
import type { Connection, Context } from '../context.ts';
import { findActiveRelease } from './active-release.ts';

const release = (name: string, phase: string, environment = 'local') => ({
  metadata: { name, namespace: 'default', creationTimestamp: `2026-11-20T12:00:0${name.at(-1)}.000Z` },
  spec: { application: 'shop', environment },
  status: { phase },
});

/** A manager whose track claims `active`, made after so many looks. */
function manager(options: {
  releases: unknown[];
  active: string | null;
  madeAfter?: number;
  variables?: Record<string, string>;
}) {
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
  const environment = options.variables?.SLIPWAY_ENVIRONMENT ?? 'local';
  const connection = { api, namespace: 'default', environment } as unknown as Connection;
  const context = {
    clock: autoClock(),
    options: {},
    io: { environment: options.variables ?? {} },
  } as unknown as Context;
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
      'the one of the environment that a variable names',
      {
        releases: [release('shop-local-r2', 'Paused'), release('shop-staging-r1', 'Succeeded', 'staging')],
        active: null,
        variables: { SLIPWAY_ENVIRONMENT: 'staging' },
      },
      'shop-staging-r1',
    ],
    [
      'the default one of several environments',
      {
        releases: [release('shop-local-r1', 'Paused'), release('shop-staging-r2', 'Paused', 'staging')],
        active: null,
      },
      'shop-local-r1',
    ],
    [
      'the only one under way, in whatever environment',
      { releases: [ENDED, release('shop-staging-r2', 'Paused', 'staging')], active: null },
      'shop-staging-r2',
    ],
    [
      'the one that is claimed and not made yet',
      { releases: [ENDED], active: 'shop-local-r2', madeAfter: 3 },
      'shop-local-r2',
    ],
  ])('is meant for %s', async (_, options, expected) => {
    expect(await manager(options)()).toBe(expected);
  });

  it('is refused where none of several environments is the default', async () => {
    const several = ['eu', 'us'].map((place) => release(`shop-${place}-r1`, 'Paused', place));
    await expect(manager({ releases: several, active: null })()).rejects.toThrow('in eu and us');
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
