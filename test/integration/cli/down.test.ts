import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { leftBehind } from '../../../demo/left-behind.ts';
import { dataDirectory } from '../../../src/embedded/data-directory.ts';
import { type Role, readRecord } from '../../../src/embedded/process-record.ts';
import { readSupervisor } from '../../../src/embedded/supervisor-record.ts';
import { eventually } from '../../support/eventually.ts';
import { slipway } from '../../support/slipway-process.ts';

/** How a Slipway ends, with an application that runs: in order, after kills, and without its directory. */
let directory: string;
let entry: string;
const data = () => dataDirectory(join(directory, 'data'));
const run = (...args: readonly string[]) =>
  slipway(args, { cwd: directory, env: { SLIPWAY_DATA: data().root, NO_COLOR: '1' } });

const SERVER = `
require('node:http').createServer((_, response) => response.end('r1 answers')).listen(process.env.PORT);
process.on('SIGTERM', () => process.exit(0));
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
    readiness: { http: { path: / }, interval: 50ms }
    drain: { timeout: 2s, streamTimeout: 2s, grace: 2s }
  routes:
    - { path: / }
`;

/** Every process of this Slipway, applications included. */
const left = () => leftBehind({ directory, data: data() }, []).then((all) => all.filter(isProcess));
const isProcess = (line: string): boolean => line.startsWith('process ');

function kill(...roles: readonly (Role | 'supervisor')[]): void {
  for (const role of roles) {
    const record = role === 'supervisor' ? readSupervisor(data()) : readRecord(data(), role);
    if (record === undefined) throw new Error(`there is no record of the ${role}`);
    process.kill(record.pid, 'SIGKILL');
  }
}

const ask = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const outgoing = request(entry, { agent: false, timeout: 5_000 }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve(text));
    });
    outgoing.on('error', reject).end();
  });

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-down-'));
  // Where tests run as root, applications run as a user of their own, who must get to the data directory.
  chmodSync(directory, 0o711);
  mkdirSync(join(directory, 'dist'));
  writeFileSync(join(directory, 'dist', 'server.js'), SERVER);
  writeFileSync(join(directory, 'app.yaml'), APP);
  const up = await run('up', '--http', '0', '--api', '0');
  expect(up, up.stderr).toMatchObject({ code: 0 });
  entry = /traffic (\S+)/.exec(up.stdout)?.[1] ?? '';
  const released = await run('release', '-f', 'app.yaml', '--watch');
  expect(released, released.stderr).toMatchObject({ code: 0 });
}, 60_000);

afterEach(async () => {
  if (existsSync(data().root)) await run('down', '--yes');
  // What a failed test left: by number, each belongs to this directory.
  for (const line of await left()) {
    try {
      process.kill(Number(/^process (\d+)/.exec(line)?.[1]), 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

const LONG = { timeout: 90_000 };

describe('down', () => {
  test('then up: the same revision serves again, without a release', LONG, async () => {
    expect(await ask()).toBe('r1 answers');
    const before = await run('get', 'releases', '-o', 'name');
    expect(await run('down', '--yes')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('has ended'),
    });
    expect(await left()).toEqual([]);
    await expect(ask()).rejects.toThrow('ECONNREFUSED');
    expect(await run('up')).toMatchObject({ code: 0 });
    await eventually('the application to answer', async () => (await ask()) === 'r1 answers', {
      timeoutMs: 30_000,
    });
    await eventually(
      'both instances to serve',
      async () => (await run('status', 'shop')).stdout.match(/ serving /g)?.length === 2,
      { timeoutMs: 30_000 },
    );
    const status = await run('status', 'shop');
    expect(status.stdout).toMatch(/shop in local · r1 \(dist\) serves\n/);
    expect(await run('get', 'releases', '-o', 'name')).toEqual(before);
  });

  test('without supervisor and router: names what is left, and ends it', LONG, async () => {
    kill('supervisor', 'router');
    await eventually(
      'both to be gone',
      async () => !(await left()).some((line) => /(router|supervisor)-/.test(line)),
    );
    const asked = await run('down');
    expect(asked.code).toBe(1);
    expect(asked.stderr).toMatch(
      /No supervisor runs on[\s\S]*agent, process \d+[\s\S]*instance \S+, process \d+/,
    );
    expect((await left()).length).toBeGreaterThanOrEqual(4);
    const ended = await run('down', '--yes');
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('has ended') });
    expect(await left()).toEqual([]);
    expect(await run('up')).toMatchObject({ code: 0 });
    await eventually('the application to answer', async () => (await ask()) === 'r1 answers', {
      timeoutMs: 30_000,
    });
  });

  test('with nothing but applications left', LONG, async () => {
    kill('supervisor', 'router', 'agent', 'manager');
    await eventually(
      'Slipway to be gone',
      async () => !(await left()).some((line) => /-process\./.test(line)),
    );
    expect((await left()).length).toBeGreaterThanOrEqual(2);
    const ended = await run('down', '--yes');
    expect(ended, ended.stderr).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/instance \S+ \(process/),
    });
    expect(await left()).toEqual([]);
  });

  test('with a router that is just starting the next supervisor', LONG, async () => {
    kill('supervisor');
    const ended = await run('down', '--yes');
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('has ended') });
    expect(await left()).toEqual([]);
  });
});

describe('a data directory that is removed', () => {
  test('ends everything that ran from it', LONG, async () => {
    rmSync(data().root, { recursive: true, force: true });
    await eventually('every process to end', async () => (await left()).length === 0, { timeoutMs: 60_000 });
    expect(await run('down')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('No Slipway runs on'),
    });
  });

  test('after an adoption, and with another Slipway in its place', LONG, async () => {
    const before = readSupervisor(data())?.pid;
    kill('supervisor');
    await eventually('the next supervisor', async () => {
      const status = await run('status', '-o', 'json');
      const said = JSON.parse(status.stdout) as { slipway: { supervisor: { pid: number } | null } };
      return said.slipway.supervisor !== null && said.slipway.supervisor.pid !== before;
    });
    const old = (await left()).map((line) => Number(/^process (\d+)/.exec(line)?.[1]));
    rmSync(data().root, { recursive: true, force: true });
    expect(await run('up', '--http', '0', '--api', '0')).toMatchObject({ code: 0 });
    const released = await run('release', '-f', 'app.yaml', '--watch');
    expect(released, released.stderr).toMatchObject({ code: 0 });
    await eventually(
      'every process of the old one to end',
      async () => !(await left()).some((line) => old.includes(Number(/^process (\d+)/.exec(line)?.[1]))),
      { timeoutMs: 60_000 },
    );
    expect((await run('status', 'shop')).stdout.match(/ serving /g)).toHaveLength(2);
  });

  test('and a supervisor that was killed before: down finds the rest by its directory', LONG, async () => {
    if (process.platform !== 'linux') return; // Elsewhere the environment of a process cannot be read.
    kill('supervisor', 'router');
    rmSync(data().root, { recursive: true, force: true });
    const ended = await run('down', '--yes');
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('has ended') });
    expect(await left()).toEqual([]);
  });
});

test('a used port is said before anything is started', LONG, async () => {
  const other = join(directory, 'other');
  const port = new URL(entry).port;
  const ended = await slipway(['up', '--data', other, '--http', port, '--api', '0'], { cwd: directory });
  expect(ended).toMatchObject({
    code: 5,
    stderr: expect.stringContaining(`Port ${port} of 127.0.0.1 is in use`),
  });
  expect(existsSync(join(other, 'supervisor.json'))).toBe(false);
  expect(existsSync(join(other, 'logs', 'supervisor.log'))).toBe(false);
  expect(readFileSync(join(data().root, 'settings.json'), 'utf8')).toContain(port);
});
