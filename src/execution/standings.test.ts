import { beforeEach, expect, it } from 'vitest';
import { type Place, placeId, type Standing } from '../api/standing.ts';
import { Standings } from './standings.ts';

const shop: Place = { namespace: 'default', application: 'shop', environment: 'local' };
const blog: Place = { ...shop, application: 'blog' };
const of = (place: Place, wanted: number): Standing => ({
  ...place,
  workloads: [{ workload: 'web', version: 'web-r1', wanted, ready: wanted, problem: null }],
  services: [],
});
const nothing = (place: Place): Standing => ({ ...place, workloads: [], services: [] });

let changed: string[];
let standings: Standings;
beforeEach(() => {
  changed = [];
  standings = new Standings((place) => changed.push(place === null ? 'all' : placeId(place)));
});
const tell = (
  number: number,
  places: Standing[],
  { whole = false, busy = [] }: { whole?: boolean; busy?: Place[] } = {},
) => standings.told('local', { type: 'standing', number, whole, places, busy });

it('knows nothing before an agent has said all', () => {
  expect(standings.of('local', shop)).toBeUndefined();
  tell(1, [of(shop, 2)]);
  expect(standings.of('local', shop)).toBeUndefined();
});

it('knows what was said, and that what was not said has nothing', () => {
  tell(1, [of(shop, 2)], { whole: true });
  expect(standings.of('local', shop)).toEqual(of(shop, 2));
  expect(standings.of('local', blog)).toEqual(nothing(blog));
  expect(standings.all('local')).toEqual([of(shop, 2)]);
  expect(changed).toEqual(['all']);
  tell(2, [of(shop, 3)]);
  expect(changed).toEqual(['all', 'default/shop/local']);
});

it('knows nothing of places where orders run', () => {
  tell(1, [of(shop, 2)], { whole: true, busy: [blog] });
  expect(standings.of('local', blog)).toBeUndefined();
  tell(2, [of(blog, 1)]);
  expect(standings.of('local', blog)).toEqual(of(blog, 1));
});

it('forgets what an order may change, until it is told again', () => {
  tell(1, [of(shop, 2)], { whole: true });
  standings.forget('local', shop);
  expect(standings.of('local', shop)).toBeUndefined();
  tell(2, [of(shop, 3)]);
  expect(standings.of('local', shop)).toEqual(of(shop, 3));
});

it('takes no repeated frame for news', () => {
  tell(1, [of(shop, 2)], { whole: true });
  standings.forget('local', shop);
  tell(1, [of(shop, 2)], { whole: true });
  expect(standings.of('local', shop)).toBeUndefined();
});

it('wakes everybody where all is said, also those of whom it says nothing', () => {
  tell(1, [of(shop, 2)], { whole: true });
  tell(2, [], { whole: true });
  expect(changed).toEqual(['all', 'all']);
  expect(standings.of('local', shop)).toEqual(nothing(shop));
});

it('knows nothing when the agent is gone', () => {
  tell(1, [of(shop, 2)], { whole: true });
  standings.lost('local');
  expect(standings.of('local', shop)).toBeUndefined();
  tell(1, [of(shop, 1)], { whole: true });
  expect(standings.of('local', shop)).toEqual(of(shop, 1));
});
