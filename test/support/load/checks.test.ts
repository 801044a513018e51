import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkBody, checkUpload } from './checks.ts';
import { EventNumbers } from './event-numbers.ts';

const digest = (body: string) => `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
const answer = (status: number, body: string, contentDigest?: string) => ({
  status,
  headers: contentDigest === undefined ? {} : { 'content-digest': contentDigest },
  body: Buffer.from(body),
});

describe('checkBody', () => {
  const rows: ReadonlyArray<
    [name: string, of: ReturnType<typeof answer>, bytes: number | undefined, cause: string | undefined]
  > = [
    ['right', answer(200, 'abc', digest('abc')), 3, undefined],
    ['a page of any server', answer(200, 'abc'), undefined, undefined],
    ['an error', answer(502, 'bad gateway'), 3, 'wrongStatus'],
    ['an empty success', answer(204, ''), undefined, 'wrongStatus'],
    ['shorter than asked', answer(200, 'ab', digest('ab')), 3, 'wrongLength'],
    ['other bytes', answer(200, 'abd', digest('abc')), 3, 'wrongDigest'],
    ['other bytes of unknown length', answer(200, 'abd', digest('abc')), undefined, 'wrongDigest'],
    ['no digest where there must be one', answer(200, 'abc'), 3, 'wrongDigest'],
  ];
  it.each(rows)('%s', (_name, of, bytes, cause) => expect(checkBody(of, bytes)?.cause).toBe(cause));
});

describe('checkUpload', () => {
  const sent = { length: 3, sha256: 'aa', trailer: null };
  const says = (body: object) => answer(200, JSON.stringify(body));
  const rows: ReadonlyArray<
    [name: string, of: ReturnType<typeof answer>, trailer: string | null, cause: string | undefined]
  > = [
    ['right', says({ length: 3, sha256: 'aa', trailer: null }), null, undefined],
    ['a server that knows no trailers', says({ length: 3, sha256: 'aa' }), null, undefined],
    ['fewer bytes', says({ length: 2, sha256: 'aa' }), null, 'wrongLength'],
    ['other bytes', says({ length: 3, sha256: 'ab' }), null, 'wrongDigest'],
    ['a trailer that was lost', says({ length: 3, sha256: 'aa', trailer: null }), 'x', 'wrongDigest'],
    ['not JSON', answer(200, '<html>'), null, 'wrongDigest'],
    ['an error', answer(413, ''), null, 'wrongStatus'],
  ];
  it.each(rows)('%s', (_name, of, trailer, cause) => {
    expect(checkUpload(of, { ...sent, trailer })?.cause).toBe(cause);
  });
});

describe('EventNumbers', () => {
  const event = (n: number) => `id: ${n}\ndata: {"number":${n}}\n\n`;

  it('counts events however they are cut', () => {
    const numbers = new EventNumbers();
    let events = 0;
    for (const character of event(1) + event(2)) {
      const seen = numbers.push(character);
      if ('events' in seen) events += seen.events;
    }
    expect(events).toBe(2);
    expect(numbers.unfinished).toBe('');
  });

  const gaps: ReadonlyArray<[name: string, text: string, says: string]> = [
    ['a lost event', event(1) + event(3), 'event 3 after 1'],
    ['a doubled event', event(1) + event(1), 'event 1 after 1'],
    ['a stream joined in the middle', event(7), 'event 7 after 0'],
    ['something else', 'hello\n\n', 'not a numbered event: "hello"'],
  ];
  it.each(gaps)('sees %s', (_name, text, says) =>
    expect(new EventNumbers().push(text)).toEqual({ gap: says }),
  );

  it('keeps what is unfinished', () => {
    const numbers = new EventNumbers();
    numbers.push(`${event(1)}id: 2\nda`);
    expect(numbers.unfinished).toBe('id: 2\nda');
  });
});
