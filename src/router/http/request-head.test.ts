import { describe, expect, test } from 'vitest';
import { FieldLines } from './field-lines.ts';
import { BROKEN, findHeadEnd, INCOMPLETE } from './head-end.ts';
import { Refusal } from './refusal.ts';
import { MAX_HEAD_BYTES, parseRequestHead, type RequestHead } from './request-head.ts';
import { REFUSED_HEADS } from './smuggling-vectors.ts';

function parse(head: string): RequestHead | Refusal {
  const bytes = Buffer.from(head, 'latin1');
  const end = findHeadEnd(bytes, 0, bytes.length, 0);
  if (end === BROKEN) return new Refusal('badLineEnd');
  if (end === INCOMPLETE) throw new Error('the test gives no whole head');
  return parseRequestHead(bytes, 0, end, new FieldLines());
}

describe('a head is refused', () => {
  test.each(REFUSED_HEADS)('$name', ({ head, reason, status }) => {
    expect(parse(head)).toEqual(new Refusal(reason, status));
  });

  test('above 32 KiB', () => {
    const lines = Array.from({ length: 8 }, (_, i) => `x-${i}: ${'a'.repeat(5000)}\r\n`).join('');
    expect(lines.length).toBeGreaterThan(MAX_HEAD_BYTES);
    expect(parse(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`)).toEqual(new Refusal('headTooLarge', 431));
  });

  test('with every control character in a field value, and DEL', () => {
    for (const code of [...Array(32).keys(), 127]) {
      if (code === 9) continue;
      const got = parse(`GET / HTTP/1.1\r\nHost: a\r\nx: b${String.fromCharCode(code)}c\r\n\r\n`);
      expect(got, `0x${code.toString(16)}`).toBeInstanceOf(Refusal);
    }
  });

  test('with every separator in a field name', () => {
    for (const char of '()<>@,;\\"/[]?={} \t\x00\x7f\x80\xff') {
      const got = parse(`GET / HTTP/1.1\r\nHost: a\r\nx${char}y: b\r\n\r\n`);
      expect(got, JSON.stringify(char)).toBeInstanceOf(Refusal);
    }
  });
});

describe('a head is understood', () => {
  const rest = 'Host: a.example\r\n\r\n';
  const cases: { name: string; head: string; is: Partial<RequestHead> }[] = [
    {
      name: 'the least of them',
      head: `GET / HTTP/1.1\r\n${rest}`,
      is: { method: 'GET', target: '/', host: 'a.example', keepAlive: true, framing: 'none', upgrade: null },
    },
    { name: 'close', head: `GET / HTTP/1.1\r\nConnection: close\r\n${rest}`, is: { keepAlive: false } },
    { name: 'HTTP/1.0 closes', head: `GET / HTTP/1.0\r\n${rest}`, is: { keepAlive: false, http11: false } },
    {
      name: 'HTTP/1.0 may ask to be kept',
      head: `GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n${rest}`,
      is: { keepAlive: true },
    },
    { name: 'HTTP/1.0 without a host', head: 'GET / HTTP/1.0\r\n\r\n', is: { host: '', authority: '' } },
    {
      name: 'length',
      head: `POST / HTTP/1.1\r\nContent-Length: 42\r\n${rest}`,
      is: { framing: 'length', length: 42 },
    },
    {
      name: 'length 0',
      head: `POST / HTTP/1.1\r\ncontent-length: 0\r\n${rest}`,
      is: { framing: 'none', length: 0 },
    },
    {
      name: 'chunked',
      head: `POST / HTTP/1.1\r\nTransfer-Encoding: CHUNKED\r\n${rest}`,
      is: { framing: 'chunked' },
    },
    {
      name: 'host with port and case',
      head: 'GET / HTTP/1.1\r\nHost: A.Example.:8080\r\n\r\n',
      is: { host: 'a.example' },
    },
    { name: 'IPv6 host', head: 'GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n', is: { host: '[::1]' } },
    { name: 'absolute form', head: `GET http://a.example/x?y HTTP/1.1\r\n${rest}`, is: { target: '/x?y' } },
    {
      name: 'absolute form without a path',
      head: `GET http://a.example?y HTTP/1.1\r\n${rest}`,
      is: { target: '/?y' },
    },
    { name: 'asterisk form', head: `OPTIONS * HTTP/1.1\r\n${rest}`, is: { target: '*' } },
    {
      name: 'what browsers send unescaped',
      head: `GET /?a={|}^\`[]' HTTP/1.1\r\n${rest}`,
      is: { target: "/?a={|}^`[]'" },
    },
    { name: 'obs-text in a value', head: `GET / HTTP/1.1\r\nx: \xe4\xff\r\n${rest}`, is: { target: '/' } },
    { name: 'empty value', head: `GET / HTTP/1.1\r\nx:\r\n${rest}`, is: { target: '/' } },
    {
      name: 'upgrade',
      head: `GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n${rest}`,
      is: { upgrade: 'websocket', keepAlive: true },
    },
    {
      name: 'Upgrade that Connection does not name',
      head: `GET / HTTP/1.1\r\nUpgrade: websocket\r\n${rest}`,
      is: { upgrade: null },
    },
    {
      name: 'no upgrade to h2c',
      head: `GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n${rest}`,
      is: { upgrade: null },
    },
    {
      name: 'no upgrade with a body',
      head: `POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n${rest}`,
      is: { upgrade: null, length: 3 },
    },
    {
      name: 'preview',
      head: `GET / HTTP/1.1\r\nSlipway-Preview:  shop-r2 \r\n${rest}`,
      is: { preview: 'shop-r2' },
    },
    {
      name: 'hop fields',
      head: `GET / HTTP/1.1\r\nConnection: X-Secret, close\r\n${rest}`,
      is: { hopFields: ['x-secret'], keepAlive: false },
    },
  ];
  test.each(cases)('$name', ({ head, is }) => {
    const got = parse(head);
    expect(got).not.toBeInstanceOf(Refusal);
    expect(got).toMatchObject(is);
  });
});

describe('the end of a head', () => {
  const cases = [
    { name: 'is after the empty line', bytes: 'GET / HTTP/1.1\r\nHost: a\r\n\r\nbody', end: 27 },
    { name: 'is not there yet', bytes: 'GET / HTTP/1.1\r\nHost: a\r\n\r', end: INCOMPLETE },
    { name: 'is not there yet within a CR', bytes: 'GET / HTTP/1.1\r', end: INCOMPLETE },
    { name: 'cannot come after a bare LF', bytes: 'GET / HTTP/1.1\nHost: a\n\n', end: BROKEN },
    { name: 'cannot come after a LF at the start', bytes: '\nGET', end: BROKEN },
  ];
  test.each(cases)('$name', ({ bytes, end }) => {
    expect(findHeadEnd(Buffer.from(bytes), 0, bytes.length, 0)).toBe(end);
  });

  test('never lies in what an earlier read left behind the end', () => {
    const bytes = Buffer.from('HTTP/1.1 200 OK\r\nold: 1\r\n\r\n');
    expect(findHeadEnd(bytes, 0, 17, 0)).toBe(INCOMPLETE);
  });
});
