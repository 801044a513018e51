import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type ErrorCode, isSlipwayError, messageOf, SlipwayError } from '../lib/errors.ts';
import type { RouterControl } from './control-client.ts';
import type { RouteTable } from './table.ts';

// `import … from 'node:http'` evaluates every export of it, and one of those loads all of fetch: 17 MB.
const { createServer } = process.getBuiltinModule('node:http');

const MAX_TABLE_BYTES = 16 * 1024 * 1024;
const MAX_WAIT_MS = 24 * 3_600_000;

const STATUS: Partial<Record<ErrorCode, number>> = {
  invalid: 422,
  badRequest: 400,
  notFound: 404,
  conflict: 409,
  tooLarge: 413,
  unavailable: 503,
};

/**
 * RouterControl as HTTP with JSON bodies, for a Unix socket that only Slipway's user can open: that is
 * its whole authentication. Rejections are `{code, message, next, details}`.
 *
 * GET /v1/table · PUT /v1/table · GET /v1/stats · GET /v1/backends/ID/load ·
 * POST /v1/backends/ID/await-drained?streams=true&timeoutMs=N · POST /v1/backends/ID/close-idle ·
 * POST /v1/backends/ID/ended
 */
export function createControlServer(control: RouterControl): Server {
  const server = createServer((request, response) => {
    answer(control, request).then(
      (value) => send(response, value === undefined ? 404 : 200, value ?? { code: 'notFound' }),
      (error: unknown) => sendError(response, error),
    );
  });
  // A wait for a drain is as long as its caller says.
  server.requestTimeout = 0;
  return server;
}

async function answer(control: RouterControl, request: IncomingMessage): Promise<unknown> {
  const url = new URL(request.url ?? '/', 'http://router');
  const call = `${request.method} ${url.pathname}`;
  if (call === 'GET /v1/table') return control.getTable();
  if (call === 'PUT /v1/table') return control.putTable((await readJson(request)) as RouteTable);
  if (call === 'GET /v1/stats') return control.stats();
  const [, method, encoded = '', verb] = /^(GET|POST) \/v1\/backends\/([^/]+)\/([a-z-]+)$/.exec(call) ?? [];
  const id = decode(encoded);
  if (method === 'GET' && verb === 'load') return control.load(id);
  if (method === 'POST' && verb === 'close-idle') return control.closeIdle(id);
  if (method === 'POST' && verb === 'ended') return control.ended(id);
  if (method === 'POST' && verb === 'await-drained') return control.awaitDrained(id, drainOptions(url));
  throw new SlipwayError('notFound', `the router's control has no ${call}`);
}

function drainOptions(url: URL): { streams: boolean; timeoutMs: number } {
  const timeoutMs = Number(url.searchParams.get('timeoutMs') ?? Number.NaN);
  if (!(timeoutMs >= 0 && timeoutMs <= MAX_WAIT_MS)) {
    throw new SlipwayError('badRequest', `timeoutMs must be from 0 to ${MAX_WAIT_MS}`);
  }
  return { streams: url.searchParams.get('streams') === 'true', timeoutMs };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new SlipwayError('badRequest', `"${text}" is not a backend id`, {
      cause: error,
    });
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_TABLE_BYTES)
      throw new SlipwayError('tooLarge', `a table has at most ${MAX_TABLE_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new SlipwayError('badRequest', `the body is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

function sendError(response: ServerResponse, error: unknown): void {
  if (!isSlipwayError(error)) {
    send(response, 500, { code: 'internal', message: messageOf(error) });
    return;
  }
  const { code, message, next, details } = error;
  send(response, STATUS[code] ?? 500, { code, message, next, details });
  return;
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
