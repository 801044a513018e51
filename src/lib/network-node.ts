import type { Agent, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import net from 'node:net';
import type { HttpAnswer, HttpRequest, Network } from './network.ts';

// `import … from 'node:http'` evaluates every export of it, and one of those loads all of fetch: 17 MB.
const http = process.getBuiltinModule('node:http');
const https = process.getBuiltinModule('node:https');

const DEFAULT_MAX_BYTES = 1024 * 1_024;

/**
 * Outgoing HTTP/1.1 and TCP by Node. Its agents are its own, so neither a proxy variable of the environment
 * nor anybody's global agent has a say. `close` ends the kept-alive connections.
 */
export function nodeNetwork(): Network & { close(): void } {
  const kept = {
    'http:': new http.Agent({ keepAlive: true, scheduling: 'lifo' }),
    'https:': new https.Agent({ keepAlive: true, scheduling: 'lifo' }),
  };

  const once = (order: HttpRequest, url: URL, agent: Agent | null): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const secure = url.protocol === 'https:';
      const host = order.connectTo?.host ?? url.hostname.replace(/^\[|\]$/g, '');
      const port = order.connectTo?.port ?? Number(url.port || (secure ? 443 : 80));
      const request = (secure ? https : http).request({
        ...connectionOf(agent, secure, { host, port }),
        method: order.method ?? 'GET',
        host,
        port,
        path: `${url.pathname}${url.search}`,
        headers: { host: url.host, ...order.headers },
        setDefaultHeaders: true,
        ...(secure && net.isIP(url.hostname) === 0 ? { servername: url.hostname } : {}),
      });
      let brokenOff: Error | null = null;
      const breakOff = (error: Error): void => {
        brokenOff ??= error;
        // A mere end could be that of the sending side alone, and the other side would work on for nobody.
        if (!secure) request.socket?.resetAndDestroy();
        request.destroy(error);
      };
      const timer = setTimeout(() => {
        const message = `no complete answer from ${url.host} within ${order.timeoutMs} ms`;
        breakOff(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
      }, order.timeoutMs);
      const abort = (): void => breakOff(asError(order.signal?.reason));
      order.signal?.addEventListener('abort', abort, { once: true });
      request.once('close', () => order.signal?.removeEventListener('abort', abort));
      request.once('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        reject(brokenOff ?? Object.assign(asProtocolError(error, url), { reused: request.reusedSocket }));
      });
      request.once('response', (response) => {
        readBody(response, order.maxBytes ?? DEFAULT_MAX_BYTES).then(
          ({ body, truncated }) => {
            clearTimeout(timer);
            resolve({
              status: response.statusCode ?? 0,
              headers: flatten(response.headers),
              body,
              truncated,
              ms: performance.now() - startedAt,
            });
          },
          (error: NodeJS.ErrnoException) => {
            clearTimeout(timer);
            reject(
              brokenOff ?? asProtocolError((request.errored as NodeJS.ErrnoException | null) ?? error, url),
            );
          },
        );
      });
      request.end(order.body);
    });

  return {
    request: async (order) => {
      order.signal?.throwIfAborted();
      const url = new URL(order.url);
      if (url.protocol !== 'http:' && url.protocol !== 'https:') {
        throw new TypeError(`only http and https are spoken here, not ${url.protocol}`);
      }
      if (order.fresh === true) return await once(order, url, null);
      try {
        return await once(order, url, kept[url.protocol]);
      } catch (error) {
        if (!mayRepeat(order, error)) throw error;
        return await once(order, url, null);
      }
    },
    connect: ({ host, port, timeoutMs }) =>
      new Promise((resolve, reject) => {
        const socket = net.connect({ host, port, timeout: timeoutMs });
        socket.once('connect', () => {
          socket.destroy();
          resolve();
        });
        socket.once('timeout', () => {
          const message = `no connection to ${host}:${port} within ${timeoutMs} ms`;
          socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
        });
        socket.once('error', reject);
      }),
    close: () => {
      kept['http:'].destroy();
      kept['https:'].destroy();
    },
  };
}

/** Of an agent, or one of its own: `agent: false` makes an agent for each request, a fifth of what it costs. */
function connectionOf(agent: Agent | null, secure: boolean, at: { host: string; port: number }) {
  if (agent !== null) return { agent };
  return secure ? { agent: false } : { createConnection: () => net.connect(at) };
}

/**
 * RFC 9110 section 9.2.2: a kept-alive connection that the other side closed just as the request went out
 * says nothing about the request, and these methods may be sent again.
 */
const mayRepeat = (order: HttpRequest, error: unknown): boolean => {
  const { code, reused } = error as { code?: string; reused?: boolean };
  const idempotent = ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'].includes(order.method ?? 'GET');
  return reused === true && idempotent && (code === 'ECONNRESET' || code === 'EPIPE');
};

/** The parser's own codes (`HPE_…`) become EPROTO, with what it said. */
function asProtocolError(error: NodeJS.ErrnoException, url: URL): Error {
  if (error.code?.startsWith('HPE_') !== true) return error;
  const message = `${url.host} does not speak HTTP/1.1: ${error.message}`;
  return Object.assign(new Error(message, { cause: error }), { code: 'EPROTO' });
}

async function readBody(
  response: IncomingMessage,
  limit: number,
): Promise<{ body: Buffer; truncated: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    const kept = chunk.subarray(0, limit - size);
    chunks.push(kept);
    size += kept.length;
    // Leaving the loop destroys the response and its connection.
    if (kept.length < chunk.length) return { body: Buffer.concat(chunks), truncated: true };
  }
  return { body: Buffer.concat(chunks), truncated: false };
}

const flatten = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter((entry): entry is [string, string | string[]] => entry[1] !== undefined)
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));
