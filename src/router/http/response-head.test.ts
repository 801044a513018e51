import { describe, expect, test } from 'vitest';
import { FieldLines } from './field-lines.ts';
import { findHeadEnd } from './head-end.ts';
import { Refusal, type RefusalReason } from './refusal.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';

function parse(head: string, bodiless = false): ResponseHead | Refusal {
  const bytes = Buffer.from(head, 'latin1');
  return parseResponseHead(bytes, 0, findHeadEnd(bytes, 0, bytes.length, 0), bodiless, new FieldLines());
}

describe('a response head is understood', () => {
  const cases: { name: string; head: string; bodiless?: boolean; is: Partial<ResponseHead> }[] = [
    {
      name: 'length',
      head: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n',
      is: { status: 200, statusText: '200 OK', framing: 'length', length: 3, reusable: true },
    },
    {
      name: 'no reason',
      head: 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n',
      is: { statusText: '200', framing: 'none' },
    },
    {
      name: 'chunked',
      head: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      is: { framing: 'chunked', reusable: true },
    },
    { name: 'ends by close', head: 'HTTP/1.1 200 OK\r\n\r\n', is: { framing: 'close', reusable: false } },
    {
      name: 'HTTP/1.0',
      head: 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n',
      is: { framing: 'length', reusable: false },
    },
    {
      name: 'HTTP/1.0 kept',
      head: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n',
      is: { reusable: true },
    },
    {
      name: 'connection close',
      head: 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n',
      is: { reusable: false },
    },
    {
      name: 'answer to HEAD',
      head: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n',
      bodiless: true,
      is: { framing: 'none', reusable: true },
    },
    { name: '204', head: 'HTTP/1.1 204 No Content\r\n\r\n', is: { framing: 'none' } },
    {
      name: '304 with a length',
      head: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
      is: { framing: 'none' },
    },
    { name: '100', head: 'HTTP/1.1 100 Continue\r\n\r\n', is: { status: 100, framing: 'none' } },
    {
      name: '101',
      head: 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
      is: { status: 101, upgrade: 'websocket' },
    },
    {
      name: 'event stream',
      head: 'HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n',
      is: { eventStream: true },
    },
    {
      name: 'no event stream',
      head: 'HTTP/1.1 200 OK\r\nContent-Type: text/event-streams\r\nTransfer-Encoding: chunked\r\n\r\n',
      is: { eventStream: false },
    },
  ];
  test.each(cases)('$name', ({ head, bodiless, is }) => {
    expect(parse(head, bodiless)).toMatchObject(is);
  });
});

describe('a response head is refused', () => {
  const ok = 'HTTP/1.1 200 OK\r\n';
  const cases: { name: string; head: string; reason: RefusalReason }[] = [
    {
      name: 'both lengths',
      head: `${ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`,
      reason: 'bothLengths',
    },
    {
      name: 'two lengths',
      head: `${ok}Content-Length: 3\r\nContent-Length: 3\r\n\r\n`,
      reason: 'repeatedLength',
    },
    {
      name: 'unknown coding',
      head: `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`,
      reason: 'unknownTransferCoding',
    },
    {
      name: 'chunked in HTTP/1.0',
      head: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      reason: 'badTransferCoding',
    },
    { name: 'a folded line', head: `${ok}x: a\r\n b\r\n\r\n`, reason: 'obsFold' },
    { name: 'a space before the colon', head: `${ok}x : a\r\n\r\n`, reason: 'badFieldName' },
    { name: 'no status', head: 'HTTP/1.1 OK\r\n\r\n', reason: 'badStatusLine' },
    { name: 'a status of two digits', head: 'HTTP/1.1 20 OK\r\n\r\n', reason: 'badStatusLine' },
    { name: 'a status of four digits', head: 'HTTP/1.1 2000 OK\r\n\r\n', reason: 'badStatusLine' },
    { name: 'status 600', head: 'HTTP/1.1 600 OK\r\n\r\n', reason: 'badStatusLine' },
    { name: 'HTTP/2', head: 'HTTP/2 200 OK\r\n\r\n', reason: 'badStatusLine' },
    { name: 'a bare CR in the reason', head: 'HTTP/1.1 200 O\rK\r\n\r\n', reason: 'badStatusLine' },
  ];
  test.each(cases)('$name', ({ head, reason }) => {
    const got = parse(head);
    expect(got).toBeInstanceOf(Refusal);
    expect((got as Refusal).reason).toBe(reason);
  });
});
