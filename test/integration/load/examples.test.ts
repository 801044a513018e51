/** The other examples: http-server from npm, and a service with a worker. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { eventually } from '../../support/eventually.ts';
import { LoadProcess } from '../../support/load/load-process.ts';
import { freePort } from '../../support/ports.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url));

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-examples-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function start(argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv) {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const exited = once(child, 'close');
  return {
    child,
    exited,
    output: () => output,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

describe('examples/web-server', { timeout: 240_000 }, () => {
  const build = async (...args: string[]) => {
    const script = join(EXAMPLES, 'web-server/build.mjs');
    // npm's settings (registry, cache, proxy) are in the files and the environment of whoever runs the tests.
    const built = start([process.execPath, script, ...args], directory, process.env);
    const [code] = await built.exited;
    return { code, output: built.output() };
  };
  /** The command of app.yaml, as it stands there. */
  const serve = async (version: string) => {
    const app = parse(await readFile(join(EXAMPLES, 'web-server/app.yaml'), 'utf8'));
    const port = await freePort();
    const server = start(app.spec.workload.command, join(directory, version), { PORT: String(port) });
    const url = `http://127.0.0.1:${port}`;
    const ready = app.spec.workload.readiness.http.path;
    await eventually(`http-server ${version} to be ready`, async () => (await fetch(url + ready)).ok);
    return { ...server, url, port };
  };

  it.each(['14.1.0', '14.1.1'])('builds %s as an artifact that stands by itself', async (version) => {
    expect(await build(version, '--out', directory)).toMatchObject({ code: 0 });
    expect((await readdir(join(directory, version))).sort()).toEqual([
      'node_modules',
      'package-lock.json',
      'package.json',
      'public',
    ]);
    await using server = await serve(version);
    expect(await (await fetch(`${server.url}/version.json`)).json()).toEqual({
      name: 'http-server',
      version,
    });
    expect(await (await fetch(server.url)).text()).toContain(`<h1>http-server ${version}</h1>`);
    expect((await fetch(`${server.url}/download.bin`)).headers.get('content-length')).toBe('4194304');
    expect((await readdir(directory)).filter((name) => name.startsWith('.building'))).toEqual([]);
  });

  it('takes the load, and cuts it on SIGTERM: the drain is the router’s', async () => {
    await using server = await serve('14.1.0');
    await using load = await LoadProcess.start({
      target: server.url,
      host: 'web.localhost',
      kinds: ['keepAlive', 'close'],
      path: '/download.bin',
      clients: 8,
      rate: 40,
    });
    await load.waitForSteady();
    expect((await load.snapshot()).failed).toBe(0);
    server.child.kill('SIGTERM');
    expect(await server.exited).toEqual([0, null]);
    await eventually('refused requests', async () => ((await load.snapshot()).failures.refused ?? 0) > 0);
    const report = await load.stop();
    expect(report.started).toBe(report.finished + report.failed);
  });

  it.each([[[]], [['14.0.0']], [['14.1.0', '14.1.1']]])('refuses %j with what it knows', async (args) => {
    expect(await build(...args)).toMatchObject({
      code: 1,
      output: expect.stringContaining('VERSION one of 14.1.0, 14.1.1'),
    });
  });
});

describe('examples/worker', { timeout: 30_000 }, () => {
  it('works orders off, and finishes the one in hand on SIGTERM', async () => {
    const spool = await mkdtemp(join(directory, 'spool-'));
    const port = await freePort();
    const path = (name: string) => join(EXAMPLES, 'worker', name);
    await using web = start([process.execPath, 'server.js'], path('web'), {
      PORT: String(port),
      SPOOL: spool,
    });
    const url = `http://127.0.0.1:${port}`;
    await eventually('the service to be ready', async () => (await fetch(`${url}/healthz`)).ok);
    const order = async (body: string) => {
      const answer = await fetch(`${url}/orders`, { method: 'POST', body });
      return { status: answer.status, id: (await answer.text()).trim() };
    };
    const orders = await Promise.all(['teapot', 'kettle', 'cup'].map(order));
    expect(orders.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect((await order('x'.repeat(70_000))).status).toBe(413);

    const env = { SPOOL: spool, MAIL_MS: '150' };
    await using first = start([process.execPath, 'mailer.js'], path('mailer'), env);
    await eventually('an order in hand', async () =>
      (await readdir(spool)).some((name) => /claimed$/.test(name)),
    );
    first.child.kill('SIGTERM');
    expect(await first.exited).toEqual([0, null]);
    expect(first.output().match(/^mailed /gm)?.length).toBe(1);
    expect((await readdir(spool)).length).toBe(2);

    // Two at a time share the rest, each order once.
    await using second = start([process.execPath, 'mailer.js'], path('mailer'), env);
    await using third = start([process.execPath, 'mailer.js'], path('mailer'), env);
    await eventually('an empty spool', async () => (await readdir(spool)).length === 0);
    // What it said is read through a pipe, and may come after the file that it took away.
    const output = () => first.output() + second.output() + third.output();
    await eventually('word of every order', () =>
      orders.every(({ id }) => output().includes(`mailed ${id}`)),
    );
    // One that has not begun yet is ended by the signal itself.
    await eventually('both at work', () =>
      [second, third].every((each) => each.output().includes('mailer works')),
    );
    for (const mailer of [second, third]) mailer.child.kill('SIGTERM');
    expect(await Promise.all([second.exited, third.exited])).toEqual([
      [0, null],
      [0, null],
    ]);
    for (const { id } of orders) expect(output().split(`mailed ${id}`).length, output()).toBe(2);
    web.child.kill('SIGTERM');
    expect(await web.exited).toEqual([0, null]);
  });

  it('gives the order of a killed mailer to another', async () => {
    const spool = await mkdtemp(join(directory, 'spool-'));
    const cwd = join(EXAMPLES, 'worker/mailer');
    await writeFile(join(spool, 'one.order'), 'teapot');
    await using killed = start([process.execPath, 'mailer.js'], cwd, { SPOOL: spool, MAIL_MS: '60000' });
    await eventually('a claim', async () => (await readdir(spool)).includes('one.claimed'));
    killed.child.kill('SIGKILL');
    await killed.exited;
    await using heir = start([process.execPath, 'mailer.js'], cwd, {
      SPOOL: spool,
      MAIL_MS: '1',
      CLAIM_LOST_MS: '100',
    });
    await eventually('the order to be mailed', () => heir.output().includes('mailed one: teapot'));
  });
});
