import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_VERSION, type ApiObject } from '../../../src/api/meta.ts';
import type { Command } from '../../../src/api/release.ts';
import type { Track } from '../../../src/api/revision.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { application, type Harness, IN_DEFAULT, startHarness } from './harness.ts';

let h: Harness;
const stopping = new AbortController();

/** Stands in for the controller: decides commands as their `why` says. */
async function decideCommands(): Promise<void> {
  for await (const { type, object } of h.store.watch<Command>('Command', { signal: stopping.signal })) {
    if (type !== 'ADDED' || object.spec.why === 'leave it') continue;
    const state = object.spec.why === 'refuse it' ? 'refused' : 'done';
    const status = {
      state,
      message: `it was ${state}`,
      ...(state === 'refused' ? { result: { next: 'slipway why shop' } } : {}),
    } as const;
    await h.store.updateStatus({ ...object, status });
  }
}

beforeAll(async () => {
  h = await startHarness({ limits: { commandMs: 300, artifactBytes: 1_000_000, bodyMs: 500 } });
  void decideCommands();
  await h.client('admin').create(application('shop'));
  const system = h.client('system');
  await system.create({
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'Environment',
    metadata: { name: 'local' },
    spec: {},
  });
});
afterAll(async () => {
  stopping.abort();
  await h.stop();
});

describe('commands', () => {
  const shop = { kind: 'Application', name: 'shop' } as const;

  it('are objects with the caller as `by`, whatever the caller says', async () => {
    const { state, command } = await h.client('developer').command(shop, 'release', {
      environment: 'local',
      why: 'new shoes',
      parameters: { explicit: true },
    });
    expect(state).toBe('done');
    expect(command.spec).toMatchObject({
      verb: 'release',
      target: { kind: 'Application', name: 'shop' },
      environment: 'local',
      by: 'a-developer',
      roles: ['developer'],
      why: 'new shoes',
      parameters: { explicit: true },
    });
    const forged = await h.client('developer').create<Command>({
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'Command',
      metadata: { name: 'forged' },
      spec: {
        verb: 'scale',
        target: { kind: 'Application', name: 'shop' },
        by: 'root',
        roles: ['admin'],
        at: '1970-01-01T00:00:00.000Z',
        why: null,
        parameters: {},
      },
    });
    expect(forged.spec.by).toBe('a-developer');
    expect(forged.spec.roles).toEqual(['developer']);
    expect(forged.spec.at).not.toMatch(/^1970/);
    expect(forged.status).toBeUndefined();
  });

  it('are answered with the reason of a refusal, as conflict', async () => {
    const refused = h.client('developer').command(shop, 'scale', { why: 'refuse it' });
    await expect(refused).rejects.toMatchObject({
      code: 'refused',
      message: 'it was refused',
      next: 'slipway why shop',
    });
    const raw = await h.raw({
      method: 'POST',
      path: `${IN_DEFAULT}/applications/shop/scale`,
      body: '{"why":"refuse it"}',
    });
    expect([raw.status, raw.json.reason]).toEqual([409, 'Refused']);
  });

  it('are answered with 202 while they are undecided', async () => {
    const { state, command } = await h.client('developer').command(shop, 'restart', { why: 'leave it' });
    expect(state).toBe('pending');
    expect(command.status).toBeUndefined();
  });

  it('need no body', async () => {
    expect((await h.raw({ method: 'POST', path: `${IN_DEFAULT}/applications/shop/resume` })).status).toBe(
      200,
    );
  });

  it.each<[string, string, string, number]>([
    ['an unknown verb', 'applications/shop/explode', '{}', 404],
    ['a verb of another kind', 'applications/shop/promote', '{}', 404],
    ['an absent target', 'releases/absent/promote', '{}', 404],
    ['a foreign field', 'applications/shop/scale', '{"by":"root"}', 422],
    ['a wrong type', 'applications/shop/scale', '{"parameters":[]}', 422],
  ])('refuse %s', async (_, path, body, status) => {
    expect((await h.raw({ method: 'POST', path: `${IN_DEFAULT}/${path}`, body })).status).toBe(status);
  });

  it('skip a gate only with a reason', async () => {
    await h.store.create({
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'Release',
      metadata: { name: 'shop-local-r1', namespace: 'default' },
      spec: {},
    });
    const skip = (why?: string) =>
      h.client('releaser').command({ kind: 'Release', name: 'shop-local-r1' }, 'skip', {
        parameters: { gate: 'smoke' },
        ...(why === undefined ? {} : { why }),
      });
    await expect(skip()).rejects.toMatchObject({ code: 'invalid', details: [{ path: 'why' }] });
    expect((await skip('it is broken itself')).state).toBe('done');
  });

  it('stand in the audit with their reason', async () => {
    h.audit.lines.length = 0;
    await h.client('developer').command(shop, 'scale', { why: 'more shoes' });
    expect(h.audit.lines[0]).toMatchObject({
      verb: 'scale',
      resource: 'applications',
      name: 'shop',
      why: 'more shoes',
      outcome: 'done',
    });
  });
});

describe('plan, why, instances, logs', () => {
  it('asks the planner, and checks a spec that is only thought of', async () => {
    const api = h.client('viewer');
    expect(await api.plan('shop', { environment: 'local' })).toMatchObject({ release: 'shop-local-r1' });
    await expect(api.plan('shop', { environment: 'local', spec: { workload: {} } })).rejects.toMatchObject({
      code: 'invalid',
      details: [{ path: 'spec.workload.command', message: 'is required (a list)' }],
    });
  });

  it('refuses a route that another application holds, in a plan and when it is applied', async () => {
    const api = h.client('developer');
    const routed = (name: string, host: string) => {
      const written = application(name) as ApiObject & { spec: object };
      return { ...written, spec: { ...written.spec, routes: [{ host }] } };
    };
    await api.create(routed('holder', 'held.localhost'));
    await h.store.create({
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'Track',
      metadata: { name: 'holder-local', namespace: 'default' },
      spec: { application: 'holder', environment: 'local' },
      status: { standing: { inPlace: '', routes: [{ host: 'held.localhost', path: '/' }] } },
    } as ApiObject);
    const refusal = {
      path: 'spec.routes[0]',
      message: expect.stringMatching(/^held.localhost\/ belongs to application holder in environment local;/),
    };
    const { spec } = routed('comer', 'held.localhost');
    const plan = await api.plan('comer', { environment: 'local', spec });
    expect(plan.refusals).toEqual([refusal]);
    await expect(api.create(routed('comer', 'held.localhost'))).rejects.toMatchObject({
      code: 'invalid',
      details: [refusal],
    });
    const there = await api.create(routed('comer', 'free.localhost'));
    await expect(api.replace({ ...there, spec } as ApiObject)).rejects.toMatchObject({
      code: 'invalid',
      details: [refusal],
    });
  });

  it('shows what runs and belongs to no application', async () => {
    const { store } = h;
    await store.create<Track>({
      apiVersion: API_VERSION,
      kind: 'Track',
      metadata: { name: 'shop-local', namespace: 'default' },
      spec: { application: 'shop', environment: 'local' },
    } as Track);
    expect((await h.client('viewer').unmanaged()).map(({ application }) => application)).toEqual([
      'left-over',
    ]);
    expect(await h.client('viewer').unmanaged({ namespace: 'elsewhere' })).toEqual([]);
    await store.delete({ kind: 'Track', namespace: 'default', name: 'shop-local' });
  });

  it('shows instances of one environment', async () => {
    expect(await h.client('viewer').instances('shop', { environment: 'local' })).toEqual({
      kind: 'InstanceList',
      items: [{ cluster: 'local', key: { environment: 'local' }, ready: 1 }],
      errors: [],
    });
    expect((await h.client('viewer').instances('shop')).items).toHaveLength(2);
    await expect(h.client('viewer').instances('shop', { environment: 'absent' })).rejects.toMatchObject({
      code: 'notFound',
    });
  });

  it('streams log lines', async () => {
    const lines: string[] = [];
    for await (const { line, cluster } of h
      .client('viewer')
      .logs('shop', { signal: AbortSignal.timeout(5_000) }))
      lines.push(`${cluster} ${line}`);
    expect(lines).toEqual(['local line 1 of shop', 'local line 2 of shop']);
  });

  it('ends with the error of an agent that leaves within the stream', async () => {
    const lines: string[] = [];
    const reading = (async () => {
      const query = { instance: 'breaks', signal: AbortSignal.timeout(5_000) };
      for await (const { line } of h.client('viewer').logs('shop', query)) lines.push(line);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'unavailable', message: 'the agent left' });
    expect(lines).toEqual(['the last one']);
  });

  it('says that a cluster is out of reach, as an HTTP status', async () => {
    await h.client('admin').create({
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'Environment',
      metadata: { name: 'far' },
      spec: { clusters: ['eu'] },
    });
    const lines = h.client('viewer').logs('shop', { environment: 'far', signal: AbortSignal.timeout(5_000) });
    await expect(
      (async () => {
        for await (const _ of lines);
      })(),
    ).rejects.toMatchObject({ code: 'unavailable', message: /eu is not connected/ });
    await expect(h.client('viewer').instances('shop', { environment: 'far' })).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});

describe('artifacts', () => {
  const content = Buffer.from('packed content');
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;

  it('are uploaded once and found by digest', async () => {
    const api = h.client('developer');
    expect(await api.hasArtifact(digest)).toBe(false);
    expect(await api.upload(digest, Readable.from([content]), content.length)).toEqual({
      digest,
      size: content.length,
    });
    expect(await api.hasArtifact(digest)).toBe(true);
    const again = await h.raw({ method: 'PUT', path: `/artifacts/v1/${digest}`, body: content });
    expect(again.status).toBe(200);
    const fetched = await h.raw({ path: `/agent/v1/artifacts/${digest}`, as: 'agent' });
    expect([fetched.text, fetched.headers['content-length']]).toEqual(['packed content', '14']);
  });

  it.each<[string, string, Buffer, number]>([
    ['content of another digest', `sha256:${'1'.repeat(64)}`, Buffer.from('x'), 422],
    ['a digest that is a path', 'sha256:..%2F..%2Fetc%2Fpasswd', Buffer.from('x'), 400],
    ['a digest in capitals', digest.toUpperCase().replace('SHA', 'sha'), content, 400],
    ['too much, as it says', digest, Buffer.alloc(1_000_001), 413],
  ])('refuse %s', async (_, name, body, status) => {
    const answer = await h.raw({ method: 'PUT', path: `/artifacts/v1/${name}`, body });
    expect([answer.status, answer.json?.kind]).toEqual([status, 'Status']);
  });

  /** Sends what it is told, as slowly as it likes; the answer's status or the error's code. */
  const trickle = (name: string, chunks: Buffer[], end: boolean): Promise<number | string> =>
    new Promise((resolve) => {
      const put = request({
        host: '127.0.0.1',
        port: h.server.port,
        ca: h.certificates.ca,
        agent: false,
        method: 'PUT',
        path: `/artifacts/v1/${name}`,
        headers: { authorization: `Bearer ${h.tokenOf('developer')}`, 'transfer-encoding': 'chunked' },
      });
      put.once('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      put.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      for (const chunk of chunks) put.write(chunk);
      if (end) put.end();
    });

  it('refuse too much that does not say so before', async () => {
    expect(
      await trickle(
        digest,
        Array.from({ length: 20 }, () => Buffer.alloc(100_000)),
        true,
      ),
    ).toBe(413);
  });

  it('break off when the upload pauses', async () => {
    const half = Buffer.from('half of it');
    const name = `sha256:${createHash('sha256').update(half).digest('hex')}`;
    expect(await trickle(name, [half], false)).toMatch(/ECONNRESET|EPIPE/);
    expect(h.artifacts.contents.has(name)).toBe(false);
  });
});

describe('backup', () => {
  it('is refused where the store has none of its own', async () => {
    expect((await h.raw({ method: 'POST', path: '/maintenance/v1/backup' })).json.reason).toBe('Refused');
  });
});

describe('over the SQLite store', () => {
  it('streams a backup that holds what was written, and says 410 as the memory store does', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'slipway-server-'));
    const store = await openSqliteStore({
      file: join(directory, 'slipway.db'),
      clock: systemClock(),
      random: systemRandom(),
      programVersion: '0.1.0-test',
    });
    const real = await startHarness({ overrides: { store } });
    const api = real.client('admin');
    await api.create(application('kept'));
    const file = join(directory, 'backup.db');
    const { bytes } = await api.backup(file);
    expect(bytes).toBe((await stat(file)).size);
    const copy = new DatabaseSync(file, { readOnly: true });
    expect(JSON.stringify(copy.prepare('PRAGMA quick_check').all())).toContain('ok');
    copy.close();
    expect((await readFile(file)).includes('kept')).toBe(true);
    const gone = await real.raw({ path: `${IN_DEFAULT}/applications?watch=1&resourceVersion=99999` });
    expect([gone.status, gone.json?.reason ?? gone.text]).toEqual([410, 'Expired']);
    await expect(api.backup(file)).rejects.toMatchObject({ code: 'alreadyExists' });
    await expect(h.client('admin').backup(join(directory, 'none.db'))).rejects.toMatchObject({
      code: 'refused',
    });
    expect(await readdir(directory)).not.toContain('none.db');
    await real.stop();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
});

describe('an audit that cannot be written', () => {
  it('is counted and logged, and does not hide what happened', async () => {
    const broken = await startHarness({
      overrides: { audit: { write: () => Promise.reject(new Error('ENOSPC')), close: async () => {} } },
    });
    await broken.client('admin').create(application('made'));
    expect((await broken.raw({ path: '/metrics' })).text).toContain('slipway_audit_failures_total 1');
    expect(broken.logLines.some((line) => line.includes('an audit line could not be written'))).toBe(true);
    await broken.stop();
  });
});

describe('limits', () => {
  it('end a body that does not come, and a handler that hangs', async () => {
    const slow = await startHarness({
      limits: { bodyMs: 100, requestMs: 150 },
      overrides: { planner: { plan: () => new Promise(() => undefined) } },
    });
    await slow.client('admin').create(application('shop'));
    const late = await slow.raw({
      method: 'POST',
      path: `${IN_DEFAULT}/applications/shop/plan`,
      body: '{"environment":"local"}',
    });
    expect([late.status, late.json.reason]).toEqual([504, 'Timeout']);
    const half = await slow
      .raw({
        method: 'POST',
        path: `${IN_DEFAULT}/applications`,
        body: '{',
        headers: { 'content-length': '100' },
      })
      .catch((e: NodeJS.ErrnoException) => e.code);
    expect(typeof half === 'object' ? half.status : half).toBe(400);
    await slow.stop();
  });

  it('answer garbage and oversized heads with a Status', async () => {
    const big = await h.raw({ path: '/version', headers: { 'x-big': 'x'.repeat(20_000) } });
    expect([big.status, big.json?.kind]).toEqual([431, 'Status']);
  });
});
