import { describe, expect, it } from 'vitest';
import { AnswerReader, askLocally } from './local-client.ts';

const whole =
  'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 11\r\n\r\n{"a":"\u00e9é"}'.replace(
    '\u00e9',
    'e',
  );

describe('an answer at the socket', () => {
  const bytes = Buffer.from(whole);

  it('is the same in whatever pieces it comes', () => {
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const reader = new AnswerReader(1_000);
      expect(reader.add(bytes.subarray(0, cut))).toBeUndefined();
      expect(reader.add(bytes.subarray(cut))).toEqual({ status: 200, body: Buffer.from('{"a":"eé"}') });
    }
    const reader = new AnswerReader(1_000);
    const answers = [...bytes].map((byte) => reader.add(Buffer.of(byte)));
    expect(answers.filter((answer) => answer !== undefined)).toHaveLength(1);
  });

  it.each([
    ['no body at all', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, body: Buffer.alloc(0) }],
    ['an empty one', 'HTTP/1.1 404\r\ncontent-length:0\r\n\r\n', { status: 404, body: Buffer.alloc(0) }],
  ])('may have %s', (_, text, answer) => {
    expect(new AnswerReader(1_000).add(Buffer.from(text))).toEqual(answer);
  });

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', 'internal'],
    ['no length', 'HTTP/1.1 200 OK\r\n\r\n', 'internal'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 'internal'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\ncontent-length: 1e3\r\n\r\n', 'internal'],
    ['a head without an end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`, 'internal'],
    ['more than may be', 'HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n', 'tooLarge'],
  ])('is refused with %s', (_, text, code) => {
    expect(() => new AnswerReader(1_000).add(Buffer.from(text))).toThrow(expect.objectContaining({ code }));
  });
});

describe('a question at the socket', () => {
  const request = { method: 'GET', path: '/', headers: {}, body: undefined, timeoutMs: 1_000, maxBytes: 1 };

  it.each([
    ['path', { path: '/a HTTP/1.1\r\nx: y' }],
    ['header', { headers: { authorization: 'Bearer a\r\nx: y' } }],
  ])('is refused with a line end in a %s', (_, more) => {
    expect(() => askLocally('/nowhere', { ...request, ...more })).toThrow(
      expect.objectContaining({ code: 'badRequest' }),
    );
  });
});
