import { describe, expect, it } from 'vitest';
import { type Identified, KnownObjects, type ObjectEvent } from './known-objects.ts';

const object = (name: string, uid: string | undefined, version: string, namespace?: string): Identified => ({
  metadata: { name, namespace, uid, resourceVersion: version },
});
const event = (type: ObjectEvent<Identified>['type'], of: Identified) => ({ type, object: of });
/** `ADDED a/u1@1`: the kind of change, who, at which version. */
const told = (events: readonly ObjectEvent<Identified>[]) =>
  events.map(({ type, object: { metadata } }) =>
    [type, `${metadata.name}/${metadata.uid}@${metadata.resourceVersion}`].join(' '),
  );
const knowing = (...items: Identified[]) => {
  const known = new KnownObjects<Identified>();
  known.replace(items);
  return known;
};

describe('a list', () => {
  it.each<[string, Identified[], Identified[], string[]]>([
    ['adds what was not known', [], [object('a', 'u1', '1')], ['ADDED a/u1@1']],
    ['says nothing of what is as it was', [object('a', 'u1', '1')], [object('a', 'u1', '1')], []],
    ['tells what has changed', [object('a', 'u1', '1')], [object('a', 'u1', '2')], ['MODIFIED a/u1@2']],
    [
      'tells what is gone, as it was last known, before what is there',
      [object('a', 'u1', '1')],
      [object('b', 'u2', '2')],
      ['DELETED a/u1@1', 'ADDED b/u2@2'],
    ],
    [
      'tells a namesake made again while nobody listened as another one',
      [object('a', 'u1', '1')],
      [object('a', 'u2', '5')],
      ['DELETED a/u1@1', 'ADDED a/u2@5'],
    ],
    [
      'keeps namesakes of different namespaces apart',
      [object('a', 'u1', '1', 'eu')],
      [object('a', 'u1', '1', 'eu'), object('a', 'u2', '2', 'us')],
      ['ADDED a/u2@2'],
    ],
    [
      'adds one without uid and version, which is no less there',
      [],
      [{ metadata: { name: 'a' } }],
      ['ADDED a/undefined@undefined'],
    ],
    ['empties what was known', [object('a', 'u1', '1')], [], ['DELETED a/u1@1']],
  ])('%s', (_, before, after, expected) => {
    const known = knowing(...before);
    expect(told(known.replace(after))).toEqual(expected);
    expect(known.values()).toEqual(expect.arrayContaining(after));
    expect(known.size).toBe(after.length);
    expect(known.replace(after)).toEqual([]);
  });
});

describe('an event of a watch', () => {
  const a1 = object('a', 'u1', '1');
  it.each<[string, Identified[], ObjectEvent<Identified>, string[]]>([
    ['adds', [], event('ADDED', a1), ['ADDED a/u1@1']],
    ['that is doubled says nothing', [a1], event('ADDED', a1), []],
    ['changes', [a1], event('MODIFIED', object('a', 'u1', '2')), ['MODIFIED a/u1@2']],
    [
      'that adds what is known tells what has changed about it',
      [a1],
      event('ADDED', object('a', 'u1', '2')),
      ['MODIFIED a/u1@2'],
    ],
    [
      'about a namesake whose making was not heard of tells both',
      [a1],
      event('MODIFIED', object('a', 'u2', '7')),
      ['DELETED a/u1@1', 'ADDED a/u2@7'],
    ],
    [
      'deletes, and says how the object was at its end',
      [a1],
      event('DELETED', object('a', 'u1', '3')),
      ['DELETED a/u1@3'],
    ],
    [
      'that deletes one whose namesake is known says nothing',
      [object('a', 'u2', '7')],
      event('DELETED', object('a', 'u1', '6')),
      [],
    ],
    [
      'of a watch that began without a list counts by its own word when it changes',
      [],
      event('MODIFIED', object('a', 'u1', '2')),
      ['MODIFIED a/u1@2'],
    ],
    [
      'of a watch that began without a list counts by its own word when it deletes',
      [],
      event('DELETED', object('a', 'u1', '2')),
      ['DELETED a/u1@2'],
    ],
  ])('%s', (_, before, heard, expected) => expect(told(knowing(...before).hear(heard))).toEqual(expected));

  it('leaves a known namesake where another one was deleted', () => {
    const known = knowing(object('a', 'u2', '7'));
    known.hear(event('DELETED', object('a', 'u1', '6')));
    expect(known.get({ name: 'a' })?.metadata.uid).toBe('u2');
  });

  it('forgets what it deletes', () => {
    const known = knowing(a1);
    known.hear(event('DELETED', a1));
    expect([known.get({ name: 'a' }), known.size]).toEqual([undefined, 0]);
  });
});
