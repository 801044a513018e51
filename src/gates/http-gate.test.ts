import { describe, expect, it } from 'vitest';
import { HttpGate } from '../api/gate.ts';
import type { PreviewAnswer, PreviewRequest } from '../drivers/cluster-driver.ts';
import type { HttpRequest } from '../lib/network.ts';
import { inlineExpressions } from './expressions.ts';
import { askHttp, type HttpGatePorts } from './http-gate.ts';

const preview = (answer: Partial<PreviewAnswer>, asked: PreviewRequest[] = []): HttpGatePorts['preview'] => ({
  version: 'shop-r2',
  ask: async (request) => {
    asked.push(request);
    return { status: 200, headers: {}, body: '', version: 'shop-r2', ms: 1, ...answer };
  },
});
function ports(more: Partial<HttpGatePorts> = {}): HttpGatePorts & { sent: HttpRequest[] } {
  const sent: HttpRequest[] = [];
  return {
    sent,
    network: {
      request: async (request) => {
        sent.push(request);
        return { status: 200, headers: {}, body: Buffer.from('{"ok":true}'), truncated: false, ms: 1 };
      },
      connect: async () => {},
    },
    resolve: async () => ['93.184.216.34'],
    expressions: inlineExpressions,
    preview: null,
    timeoutMs: 1_000,
    ...more,
  };
}

describe('a path', () => {
  it.each([
    ['answers as expected', {}, { status: 200 }, 'pass', 'GET / 200'],
    ['answers otherwise', {}, { status: 500 }, 'fail', 'GET / 500, "response.status == 200" is false'],
    [
      'says why it answers otherwise',
      {},
      { status: 500, body: 'no\n  database ' },
      'fail',
      'is false; it answered: no database',
    ],
    ['says too much', {}, { status: 500, body: 'x'.repeat(300) }, 'fail', `: ${'x'.repeat(200)}…`],
    [
      'cannot be decided',
      { expect: 'response.json.version == 2' },
      { body: 'no JSON' },
      'inconclusive',
      'cannot be decided',
    ],
    [
      'comes from another version',
      {},
      { version: 'shop-r1' },
      'inconclusive',
      'shop-r1 answered instead of shop-r2',
    ],
  ] as const)('%s', async (_, gate, answer, verdict, message) => {
    const result = await askHttp(HttpGate.parse({ path: '/', ...gate }), ports({ preview: preview(answer) }));
    expect(result).toEqual({ verdict, message: expect.stringContaining(message) });
  });

  it('asks with what the gate says', async () => {
    const asked: PreviewRequest[] = [];
    const gate = HttpGate.parse({ path: '/x', method: 'POST', headers: { a: 'b' }, body: '{}' });
    await askHttp(gate, ports({ preview: preview({}, asked) }));
    expect(asked).toEqual([
      expect.objectContaining({
        path: '/x',
        method: 'POST',
        headers: { a: 'b' },
        body: '{}',
        timeoutMs: 1_000,
      }),
    ]);
  });

  it('is no evidence where nobody answers', async () => {
    const refused = { version: 'shop-r2', ask: () => Promise.reject(new Error('ECONNREFUSED')) };
    expect(await askHttp(HttpGate.parse({ path: '/' }), ports({ preview: refused }))).toEqual({
      verdict: 'inconclusive',
      message: 'GET /: ECONNREFUSED',
    });
    expect((await askHttp(HttpGate.parse({ path: '/' }), ports())).verdict).toBe('inconclusive');
  });
});

describe('a URL', () => {
  it('is connected to at the address that was checked', async () => {
    const with_ = ports();
    const result = await askHttp(
      HttpGate.parse({ url: 'https://qa.example/run', expect: 'response.json.ok' }),
      with_,
    );
    expect(result.verdict).toBe('pass');
    expect(with_.sent).toEqual([
      expect.objectContaining({ fresh: true, connectTo: { host: '93.184.216.34', port: 443 } }),
    ]);
  });

  it('that leads inside is refused, and nothing is sent (threats.md, SSRF)', async () => {
    const with_ = ports({ resolve: async () => ['169.254.169.254'] });
    const result = await askHttp(HttpGate.parse({ url: 'http://metadata.example/' }), with_);
    expect(result).toEqual({ verdict: 'inconclusive', message: expect.stringMatching(/169\.254\.169\.254/) });
    expect(with_.sent).toEqual([]);
  });

  it('that redirects is judged by its redirect', async () => {
    const with_ = ports();
    with_.network.request = async () => ({
      status: 302,
      headers: { location: 'http://127.0.0.1/' },
      body: Buffer.alloc(0),
      truncated: false,
      ms: 1,
    });
    expect((await askHttp(HttpGate.parse({ url: 'https://qa.example/' }), with_)).verdict).toBe('fail');
  });
});
