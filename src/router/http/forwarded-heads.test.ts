import { describe, expect, test } from 'vitest';
import { clientHead } from './client-head.ts';
import { FieldLines } from './field-lines.ts';
import { parseRequestHead, type RequestHead } from './request-head.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';
import { type ForwardedBy, upstreamHead } from './upstream-head.ts';

const by: ForwardedBy = { address: '10.0.0.7', proto: 'http', trusted: false };
const added = (host: string): string =>
  `x-forwarded-for: 10.0.0.7\r\nx-forwarded-proto: http\r\nx-forwarded-host: ${host}\r\n\r\n`;

function forward(head: string, from: ForwardedBy = by): string {
  const bytes = Buffer.from(head, 'latin1');
  const lines = new FieldLines();
  return upstreamHead(bytes, parseRequestHead(bytes, 0, bytes.length, lines) as RequestHead, lines, from);
}

describe('the head that an instance gets', () => {
  const cases: { name: string; from: string; to: string }[] = [
    {
      name: 'is the client’s with who asked',
      from: 'GET /x HTTP/1.1\r\nHost: a:8080\r\nAccept: */*\r\n\r\n',
      to: `GET /x HTTP/1.1\r\nHost: a:8080\r\nAccept: */*\r\n${added('a:8080')}`,
    },
    {
      name: 'lacks what ends at this hop',
      from: 'GET / HTTP/1.1\r\nKeep-Alive: 5\r\nHost: a\r\nConnection: keep-alive, x-secret\r\nX-Secret: 1\r\nTE: trailers\r\nProxy-Connection: x\r\nProxy-Authorization: y\r\nAccept: */*\r\n\r\n',
      to: `GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n${added('a')}`,
    },
    {
      name: 'lacks the preview header',
      from: 'GET / HTTP/1.1\r\nslipway-preview: shop-r2\r\nHost: a\r\n\r\n',
      to: `GET / HTTP/1.1\r\nHost: a\r\n${added('a')}`,
    },
    {
      name: 'lacks what the client claims about itself',
      from: 'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\n\r\n',
      to: `GET / HTTP/1.1\r\nHost: a\r\n${added('a')}`,
    },
    {
      name: 'asks for the upgrade that the client asked for',
      from: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n',
      to: `GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: k\r\nconnection: upgrade\r\nupgrade: websocket\r\n${added('a')}`,
    },
    {
      name: 'is HTTP/1.1 for a client of HTTP/1.0, with a host and without Expect',
      from: 'GET / HTTP/1.0\r\nExpect: 100-continue\r\nAccept: */*\r\n\r\n',
      to: `GET / HTTP/1.1\r\nAccept: */*\r\nhost: localhost\r\n${added('')}`,
    },
    {
      name: 'has the framing as it came',
      from: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\nExpect: 100-continue\r\n\r\n',
      to: `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\nExpect: 100-continue\r\n${added('a')}`,
    },
  ];
  test.each(cases)('$name', ({ from, to }) => {
    expect(forward(from)).toBe(to);
  });

  test('extends the claims of a trusted proxy', () => {
    const head = 'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\r\n';
    expect(forward(head, { ...by, trusted: true })).toBe(
      'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\nx-forwarded-for: 1.2.3.4, 10.0.0.7\r\nx-forwarded-host: a\r\n\r\n',
    );
  });
});

describe('the head that a client gets', () => {
  const options = {
    identity: 'slipway-revision: shop-r2\r\n',
    connection: 'keep',
    http11: true,
    dechunk: false,
    sticky: '',
  } as const;
  function answer(head: string, more: Partial<Parameters<typeof clientHead>[3]> = {}): string {
    const bytes = Buffer.from(head, 'latin1');
    const lines = new FieldLines();
    const parsed = parseResponseHead(bytes, 0, bytes.length, false, lines) as ResponseHead;
    return clientHead(bytes, parsed, lines, { ...options, ...more });
  }

  test('is the instance’s with its revision, and without a revision of its own', () => {
    expect(
      answer(
        'HTTP/1.1 200 OK\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nslipway-revision: forged\r\nSlipway-Instance: forged\r\nContent-Length: 3\r\n\r\n',
      ),
    ).toBe('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nslipway-revision: shop-r2\r\n\r\n');
  });

  test('says that the connection closes', () => {
    expect(answer('HTTP/1.1 200 OK\r\n\r\n', { connection: 'close' })).toContain('\r\nconnection: close\r\n');
  });

  test('tells HTTP/1.0 that the connection is kept', () => {
    expect(answer('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', { http11: false })).toContain(
      '\r\nconnection: keep-alive\r\n',
    );
  });

  test('lacks the coding that is taken off', () => {
    const head = answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', {
      http11: false,
      dechunk: true,
      connection: 'close',
    });
    expect(head).not.toContain('ransfer-');
  });

  test('lacks framing where there can be no body', () => {
    expect(answer('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n')).not.toContain('ontent-');
  });

  test('sets the sticky cookie', () => {
    expect(answer('HTTP/1.1 200 OK\r\n\r\n', { sticky: 'set-cookie: v=shop-r2\r\n' })).toContain(
      '\r\nset-cookie: v=shop-r2\r\n',
    );
  });

  test('keeps the upgrade', () => {
    expect(
      answer(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: k\r\n\r\n',
      ),
    ).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: k\r\nslipway-revision: shop-r2\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    );
  });
});
