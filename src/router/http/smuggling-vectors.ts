import type { Refusal, RefusalReason } from './refusal.ts';

/** A request head that no correct client sends, and why it is refused. */
export interface RefusedHead {
  readonly name: string;
  readonly head: string;
  readonly reason: RefusalReason;
  readonly status: Refusal['status'];
}

const post = (
  name: string,
  fields: string,
  reason: RefusalReason,
  status: Refusal['status'] = 400,
): RefusedHead => ({
  name,
  head: `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`,
  reason,
  status,
});

const line = (
  name: string,
  first: string,
  reason: RefusalReason,
  status: Refusal['status'] = 400,
): RefusedHead => ({
  name,
  head: `${first}\r\nHost: a\r\n\r\n`,
  reason,
  status,
});

const get = (
  name: string,
  fields: string,
  reason: RefusalReason,
  status: Refusal['status'] = 400,
): RefusedHead => ({
  name,
  head: `GET / HTTP/1.1\r\n${fields}\r\n\r\n`,
  reason,
  status,
});

/**
 * Heads by which requests are smuggled past one parser into another, and other heads that parsers read
 * differently. Used twice: the parser refuses each, and behind a running router no byte of any arrives.
 */
export const REFUSED_HEADS: readonly RefusedHead[] = [
  post('both lengths', 'Content-Length: 5\r\nTransfer-Encoding: chunked', 'bothLengths'),
  post('both lengths, the other way round', 'Transfer-Encoding: chunked\r\nContent-Length: 5', 'bothLengths'),
  post('two equal lengths', 'Content-Length: 5\r\nContent-Length: 5', 'repeatedLength'),
  post('two unequal lengths', 'Content-Length: 5\r\nContent-Length: 6', 'repeatedLength'),
  post('a list of lengths', 'Content-Length: 5, 5', 'badLength'),
  post('a signed length', 'Content-Length: +5', 'badLength'),
  post('a negative length', 'Content-Length: -5', 'badLength'),
  post('a hexadecimal length', 'Content-Length: 0x5', 'badLength'),
  post('a length with a fraction', 'Content-Length: 5.0', 'badLength'),
  post('a length with a space inside', 'Content-Length: 5 5', 'badLength'),
  post('an empty length', 'Content-Length:', 'badLength'),
  post('a length beyond what counts exactly', 'Content-Length: 99999999999999999999', 'badLength'),
  post('an unknown coding', 'Transfer-Encoding: gzip', 'unknownTransferCoding', 501),
  post('chunked after another coding', 'Transfer-Encoding: gzip, chunked', 'unknownTransferCoding', 501),
  post('chunked not last', 'Transfer-Encoding: chunked, gzip', 'badTransferCoding'),
  post('chunked twice', 'Transfer-Encoding: chunked, chunked', 'badTransferCoding'),
  post(
    'chunked in two fields',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'badTransferCoding',
  ),
  post(
    'chunked, then identity in a second field',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'badTransferCoding',
  ),
  post('chunked in quotes', 'Transfer-Encoding: "chunked"', 'unknownTransferCoding', 501),
  post('xchunked', 'Transfer-Encoding: xchunked', 'unknownTransferCoding', 501),
  post('chunked with a parameter', 'Transfer-Encoding: chunked;q=1', 'unknownTransferCoding', 501),
  post('identity', 'Transfer-Encoding: identity', 'unknownTransferCoding', 501),
  post('an empty coding', 'Transfer-Encoding:', 'badTransferCoding'),
  post('a vertical tab before chunked', 'Transfer-Encoding: \x0bchunked', 'badFieldValue'),
  post('a space before the colon', 'Transfer-Encoding : chunked', 'badFieldName'),
  post('a tab before the colon', 'Content-Length\t: 5', 'badFieldName'),
  post('a folded line', 'Transfer-Encoding:\r\n chunked', 'obsFold'),
  post('a folded line with a tab', 'x: a\r\n\tb', 'obsFold'),
  post('a first line that is folded', 'x: a\r\n Content-Length: 5', 'obsFold'),
  post('a field without a colon', 'Content-Length', 'badLineEnd'),
  post('an empty name', ': 5', 'badFieldName'),
  post('a NUL in a name', 'Content\x00-Length: 5', 'badFieldName'),
  post('a NUL in a value', 'x: a\x00b', 'badFieldValue'),
  post('a bare LF between fields', 'x: a\nContent-Length: 5', 'badLineEnd'),
  post('a bare CR in a value', 'x: a\rContent-Length: 5', 'badLineEnd'),
  post('CR CR LF', 'x: a\r\r\nContent-Length: 5', 'badLineEnd'),
  post(
    'Connection that removes the length',
    'Content-Length: 5\r\nConnection: content-length',
    'badConnection',
  ),
  post(
    'Connection that removes the coding',
    'Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding',
    'badConnection',
  ),
  {
    name: 'chunked in HTTP/1.0',
    head: 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
    reason: 'badTransferCoding',
    status: 400,
  },
  get('no host', 'x: a', 'noHost'),
  get('two hosts', 'Host: a\r\nHost: b', 'repeatedHost'),
  get('two equal hosts', 'Host: a\r\nHost: a', 'repeatedHost'),
  get('a host with a path', 'Host: a/b', 'badHost'),
  get('a host with user information', 'Host: a@b', 'badHost'),
  get('a host with a space', 'Host: a b', 'badHost'),
  get('a list of hosts', 'Host: a,b', 'badHost'),
  get('a host with a port that is none', 'Host: a:80x', 'badHost'),
  get('a host with two ports', 'Host: a:80:81', 'badHost'),
  get(
    'too many fields',
    `Host: a\r\n${Array.from({ length: 128 }, (_, i) => `x${i}: a`).join('\r\n')}`,
    'tooManyFields',
    431,
  ),
  line('the preface of HTTP/2', 'PRI * HTTP/2.0', 'unsupportedVersion', 505),
  line('HTTP/3.0', 'GET / HTTP/3.0', 'unsupportedVersion', 505),
  line('HTTP/0.9', 'GET /', 'badTarget'),
  line('HTTP/1.10', 'GET / HTTP/1.10', 'badVersion'),
  line('http/1.1', 'GET / http/1.1', 'badVersion'),
  line('a space behind the version', 'GET / HTTP/1.1 ', 'badVersion'),
  line('two spaces', 'GET  / HTTP/1.1', 'badTarget'),
  line('a tab', 'GET\t/ HTTP/1.1', 'badMethod'),
  line('a space before the method', ' GET / HTTP/1.1', 'badMethod'),
  line('a method with a bracket', 'G(T / HTTP/1.1', 'badMethod'),
  line('no method', '/ HTTP/1.1', 'badMethod'),
  line('a target with a space', 'GET /a b HTTP/1.1', 'badVersion'),
  line('a target with a control character', 'GET /\x01 HTTP/1.1', 'badTarget'),
  line('a target with a byte above ASCII', 'GET /\xe4 HTTP/1.1', 'badTarget'),
  line('a target with a fragment', 'GET /#a HTTP/1.1', 'badTarget'),
  line('a target without a slash', 'GET a HTTP/1.1', 'badTarget'),
  line('a target for another host', 'GET http://b/ HTTP/1.1', 'badHost'),
  line('a target of another scheme', 'GET ftp://a/ HTTP/1.1', 'badTarget'),
  line('an asterisk for GET', 'GET * HTTP/1.1', 'badTarget'),
  line('CONNECT', 'CONNECT a:443 HTTP/1.1', 'unsupportedMethod', 501),
  {
    name: 'bare LF throughout',
    head: 'GET / HTTP/1.1\nHost: a\n\n',
    reason: 'badLineEnd',
    status: 400,
  },
];
