// Takes orders: POST /orders writes one file into the spool and answers when it is on disk.

const { randomUUID } = require('node:crypto');
const { mkdirSync } = require('node:fs');
const { open, rename } = require('node:fs/promises');
const { createServer } = require('node:http');
const { join } = require('node:path');

const MAX_ORDER_BYTES = 64 * 1024;
const spool = process.env.SPOOL ?? '/tmp/slipway-example-orders';
mkdirSync(spool, { recursive: true });

const server = createServer((request, response) => {
  if (!server.listening) response.setHeader('connection', 'close');
  if (request.url === '/healthz') response.end('ok\n');
  else if (request.method === 'POST' && request.url === '/orders') {
    take(request).then(
      ({ status, text }) => response.writeHead(status).end(`${text}\n`),
      (error) => {
        console.error(`order not taken: ${error.message}`);
        response.writeHead(500).end('not taken\n');
      },
    );
  } else response.writeHead(404).end('not found\n');
});

async function take(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MAX_ORDER_BYTES) chunks.push(chunk);
  }
  if (bytes > MAX_ORDER_BYTES)
    return { status: 413, text: `an order has ${MAX_ORDER_BYTES} bytes at the most` };
  const id = randomUUID();
  const writing = join(spool, `${id}.writing`);
  const file = await open(writing, 'wx');
  try {
    await file.writeFile(Buffer.concat(chunks));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(writing, join(spool, `${id}.order`));
  return { status: 202, text: id };
}

process.on('SIGTERM', () => server.close());
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`orders web listens on port ${server.address().port}`);
});
