import { expect, test } from 'vitest';
import type { Release } from '../../api/release.ts';
import type { Track } from '../../api/revision.ts';
import { historyTable, leftOut } from './history.ts';
import { unmadeReleases } from './unmade-release.ts';

const NOW = Date.parse('2026-11-20T12:01:00.000Z');
const at = '2026-11-20T12:00:00.000Z';
const release = (name: string, environment: string) =>
  ({
    metadata: { name, creationTimestamp: at },
    spec: {
      application: 'shop',
      environment,
      from: null,
      to: name,
      reason: 'release',
      plan: { strategy: 'scaled' },
      requestedBy: 'erin',
    },
    status: { phase: 'Succeeded', startedAt: null, endedAt: null, traffic: null },
  }) as unknown as Release;
const claim = (name: string, supersedes = false) => ({
  release: name,
  revision: name,
  by: 'dana',
  at,
  supersedes,
});
const track = (active: string | null, ...queue: readonly string[]) =>
  ({
    spec: { application: 'shop', environment: 'local' },
    status: {
      active: active === null ? null : claim(active),
      queue: queue.map((name) => claim(name)),
    },
  }) as unknown as Track;

test('what is claimed and not made, with what ends before it', () => {
  const found = unmadeReleases(
    [track('shop-local-r2', 'shop-local-r3', 'shop-local-r4')],
    new Set(['shop-local-r2']),
  );
  expect(found.map(({ claim: { release: name }, before }) => [name, before])).toEqual([
    ['shop-local-r3', ['shop-local-r2']],
    ['shop-local-r4', ['shop-local-r2', 'shop-local-r3']],
  ]);
});

test.each<[string, Release[], Track, RegExp[]]>([
  [
    'one environment needs no column',
    [release('shop-local-r1', 'local')],
    track(null),
    [/^RELEASE +FROM +TO/, /^shop-local-r1 +- +r1 +scaled +Succeeded/],
  ],
  [
    'several have one',
    [release('shop-local-r1', 'local'), release('shop-staging-r1', 'staging')],
    track(null),
    [/^RELEASE +ENV +FROM/, /^shop-local-r1 +local +- +r1/, /^shop-staging-r1 +staging +- +r1/],
  ],
  [
    'what is queued stands on top',
    [release('shop-local-r1', 'local')],
    track('shop-local-r1', 'shop-local-r2'),
    [/^RELEASE +FROM/, /^shop-local-r2 +- +r2 +- +Queued .* dana +60s/, /^shop-local-r1 /],
  ],
  [
    'what waits for other work is claimed',
    [],
    track('shop-local-r2'),
    [/^RELEASE +FROM/, /^shop-local-r2 +- +r2 +- +Claimed /],
  ],
])('history: %s', (_, releases, stands, lines) => {
  const made = new Set(releases.map(({ metadata }) => metadata.name));
  const table = historyTable(releases, unmadeReleases([stands], made), NOW);
  expect(table).toHaveLength(lines.length);
  for (const [row, line] of lines.entries()) expect(table[row]).toMatch(line);
});

test.each<[string, readonly (readonly [string, string])[], RegExp[]]>([
  ['nobody knows', [], [/^RELEASE +FROM +TO +STRATEGY/]],
  [
    'a directory, and one whose revision is gone',
    [['shop-local-r2', 'dist']],
    [/^RELEASE +FROM +TO +SOURCE +STRATEGY/, /^shop-local-r2 +- +r2 +dist +scaled/, /r1 +- +scaled/],
  ],
  [
    'a long one is cut',
    [['shop-local-r2', 'feature/checkout-with-many-words-2026']],
    [/^RELEASE/, / feature\/checkout-with-m… {3}scaled/],
  ],
  [
    'what is queued has one too',
    [['shop-local-r3', 'next']],
    [/^RELEASE/, /^shop-local-r3 +- +r3 +next +- +Queued/],
  ],
])('history, where its revisions came from: %s', (_, sources, lines) => {
  const releases = [release('shop-local-r2', 'local'), release('shop-local-r1', 'local')];
  const queued = sources.some(([name]) => name === 'shop-local-r3') ? ['shop-local-r3'] : [];
  const made = new Set(['shop-local-r2', 'shop-local-r1']);
  const unmade = unmadeReleases([track('shop-local-r2', ...queued)], made);
  const table = historyTable(releases, unmade, NOW, new Map(sources));
  for (const [row, line] of lines.entries()) expect(table[row]).toMatch(line);
});

test.each<[string, number, number, string[]]>([
  ['nothing', 0, 20, []],
  ['some', 3, 20, ['3 more: --limit 40']],
  ['many, of a limit of its own', 1_200, 5, ['1,200 more: --limit 25']],
])('history, what its limit leaves out: %s', (_, count, limit, lines) => {
  expect(leftOut(count, limit)).toEqual(lines);
});
