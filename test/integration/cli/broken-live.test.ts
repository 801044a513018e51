import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { eventually } from '../../support/eventually.ts';
import { type RunOptions, slipway } from '../../support/slipway-process.ts';

/**
 * peers.md row 5: a live version that falls over again and again while people ask for it must not stop the
 * release that mends it, and its failures are told apart from those of the release.
 */
let directory: string;
let data: string;
let port: number;

const run = (args: readonly string[], options: RunOptions = {}) =>
  slipway(args, { cwd: directory, ...options, env: { SLIPWAY_DATA: data, NO_COLOR: '1', ...options.env } });

/** `life`: ms until it falls over by itself, with whatever is inside it. */
const server = (version: number, life: number | null): string => `
const http = require('node:http');
const server = http.createServer((request, response) => {
  setTimeout(() => response.end('version ${version}'), request.url === '/healthz' ? 0 : 40);
});
server.listen(process.env.PORT);
${life === null ? '' : `setTimeout(() => process.exit(1), ${life});`}
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;
const APP = `apiVersion: slipway.dev/v1alpha1
kind: Application
metadata: { name: shop }
spec:
  workload:
    artifact: ./dist
    command: [node, server.js]
    port: { env: PORT }
    replicas: 2
    readiness: { http: { path: /healthz }, interval: 50ms }
    drain: { timeout: 2s, streamTimeout: 2s, grace: 2s }
  routes:
    - { host: shop.localhost, path: / }
  strategy: { scaled: {} }
`;
const write = (version: number, life: number | null): void =>
  writeFileSync(join(directory, 'dist', 'server.js'), server(version, life));

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-broken-'));
  chmodSync(directory, 0o711);
  data = join(directory, 'data');
  mkdirSync(join(directory, 'dist'));
  write(1, 700);
  writeFileSync(join(directory, 'app.yaml'), APP);
  const up = await run(['up', '--http', '0', '--api', '0']);
  expect(up, up.stderr).toMatchObject({ code: 0 });
  port = Number(/http:\/\/[^\s:]+:(\d+)/.exec(up.stdout)?.[1]);
});
afterAll(async () => {
  await run(['down', '--yes']);
  rmSync(directory, { recursive: true, force: true });
});

/** Asks every `everyMs` until it is told to stop; answers how many failed. */
function load(everyMs: number) {
  const agent = new Agent({ keepAlive: false });
  const seen = { asked: 0, failed: 0 };
  const timer = setInterval(() => {
    seen.asked += 1;
    const asked = request(
      { host: '127.0.0.1', port, headers: { host: 'shop.localhost' }, agent },
      (answer) => {
        if ((answer.statusCode ?? 0) >= 500) seen.failed += 1;
        answer.resume();
      },
    );
    asked.on('error', () => {
      seen.failed += 1;
    });
    asked.end();
  }, everyMs);
  return { seen, stop: () => clearInterval(timer) };
}

describe('a live version that crashes again and again under load', () => {
  test('is replaced by a healthy one at the first attempt', async () => {
    await run(['release', '-f', 'app.yaml', '--watch']);
    const people = load(15);
    try {
      await eventually('people to meet its failures', async () => people.seen.failed > 5);
      write(2, null);
      const ended = await run(['release', '-f', 'app.yaml', '--watch']);
      expect(ended.stdout).toMatch(/✓ (r2 is serving|Released) in/);
      expect(ended.code).toBe(0);
      const receipt = parse((await run(['receipt', 'shop-local-r2', '-o', 'yaml'])).stdout);
      const { byVersion } = receipt.spec.requests;
      expect(byVersion['shop-r2'].failed).toBe(0);
    } finally {
      people.stop();
    }
  }, 120_000);
});
