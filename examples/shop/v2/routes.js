// What the shop answers, by path. Every body says its length and digest (RFC 9530), so that a client sees
// whether anything on the way cut or changed it.

const { createHash } = require('node:crypto');

const MAX_ITEM_BYTES = 64 * 1024 * 1024;
const MAX_SLOW_MS = 10 * 60 * 1000;
// The period is a prime, so that a block that is lost, doubled or shifted changes the digest.
const PATTERN = Buffer.from(Uint8Array.from({ length: 65_521 }, (_, i) => (i * 31 + (i >> 8) * 7) & 0xff));

/** The handler for requests: `(request, response) => void`. */
exports.routes = function routes({ version, events, mischief }) {
  const page = Buffer.from(
    `<!doctype html><title>Shop</title><body style="color:${version.colour}"><h1>Shop ${version.version}</h1>\n`,
  );
  const versionBody = Buffer.from(`${JSON.stringify(version)}\n`);

  const byPath = {
    'GET /': (_request, response) => send(response, 200, 'text/html; charset=utf-8', page),
    'GET /healthz': (_request, response) =>
      mischief.neverReady() ? sendText(response, 503, 'not ready\n') : sendText(response, 200, 'ok\n'),
    'GET /version': (_request, response) => send(response, 200, 'application/json', versionBody),
    'GET /item': (_request, response, query) => {
      const bytes = wholeNumber(query.get('bytes') ?? '1024', MAX_ITEM_BYTES);
      if (bytes === undefined) sendText(response, 400, `bytes: a whole number up to ${MAX_ITEM_BYTES}\n`);
      else send(response, 200, 'application/octet-stream', item(bytes));
    },
    'GET /slow': (_request, response, query) => {
      const ms = wholeNumber(query.get('ms') ?? '500', MAX_SLOW_MS);
      if (ms === undefined) sendText(response, 400, `ms: a whole number up to ${MAX_SLOW_MS}\n`);
      else {
        const timer = setTimeout(() => sendText(response, 200, `waited ${ms} ms\n`), ms);
        response.once('close', () => clearTimeout(timer));
      }
    },
    'GET /events': (_request, response, query) => {
      const intervalMs = wholeNumber(query.get('interval') ?? '50', 60_000);
      if (intervalMs === undefined) sendText(response, 400, 'interval: milliseconds up to 60000\n');
      else events.open(response, Math.max(intervalMs, 1));
    },
    'POST /upload': upload,
  };
  byPath['HEAD /'] = byPath['GET /'];
  byPath['HEAD /healthz'] = byPath['GET /healthz'];

  return (request, response) => {
    const url = new URL(request.url, 'http://shop');
    const handler = byPath[`${request.method} ${url.pathname}`];
    response.setHeader('app-version', version.version);
    if (handler === undefined) sendText(response, 404, 'not found\n');
    else handler(request, response, url.searchParams);
  };
};

/** Reads the whole body and answers what arrived: length, SHA-256 in hex, and the digest trailer if any. */
function upload(request, response) {
  const hash = createHash('sha256');
  let length = 0;
  request.on('data', (chunk) => {
    hash.update(chunk);
    length += chunk.length;
  });
  request.on('end', () => {
    const trailer = request.trailers['content-digest'] ?? null;
    const body = JSON.stringify({ length, sha256: hash.digest('hex'), trailer });
    send(response, 200, 'application/json', Buffer.from(`${body}\n`));
  });
  request.on('error', () => response.destroy());
}

function item(bytes) {
  const body = Buffer.allocUnsafe(bytes);
  for (let at = 0; at < bytes; at += PATTERN.length) PATTERN.copy(body, at);
  return body;
}

function sendText(response, status, text) {
  send(response, status, 'text/plain; charset=utf-8', Buffer.from(text));
}

function send(response, status, type, body) {
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    'content-digest': `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
  });
  response.end(body);
}

function wholeNumber(text, max) {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const number = Number(text);
  return number <= max ? number : undefined;
}
