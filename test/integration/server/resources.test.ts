import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiObject } from '../../../src/api/meta.ts';
import { application, type Harness, IN_DEFAULT, startHarness } from './harness.ts';

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
});
afterAll(() => h.stop());

describe('resources', () => {
  it('creates, reads, lists, replaces, patches and deletes', async () => {
    const api = h.client('developer');
    const made = await api.create(application('crud'));
    expect(made.metadata).toMatchObject({ name: 'crud', namespace: 'default', generation: 1 });
    expect(made.spec).toEqual({
      workload: { command: ['node', 'server.js'], port: {}, readiness: { tcp: {} } },
    });
    expect(await api.get('app', 'crud')).toEqual(made);
    expect((await api.list('Application')).items.map((o) => o.metadata.name)).toContain('crud');

    const replaced = await api.replace<ApiObject>({
      ...made,
      spec: { workload: { command: ['b'], port: {}, readiness: { tcp: {} } } },
    });
    expect(replaced.metadata.generation).toBe(2);
    const patched = await api.patch('Application', 'crud', {
      spec: { workload: { replicas: 3 } },
      metadata: { labels: { team: 'a' } },
    });
    expect(patched.spec).toEqual({
      workload: { command: ['b'], port: {}, readiness: { tcp: {} }, replicas: 3 },
    });
    expect(patched.metadata.labels).toEqual({ team: 'a' });
    const removed = await api.patch('Application', 'crud', { spec: { workload: { replicas: null } } });
    expect(removed.spec).toEqual({ workload: { command: ['b'], port: {}, readiness: { tcp: {} } } });
    expect((await api.delete('Application', 'crud'))?.metadata.deletionTimestamp).toBeDefined();
  });

  it('says version and no-store on every answer', async () => {
    for (const path of ['/healthz', '/nothing', `${IN_DEFAULT}/applications`]) {
      const answer = await h.raw({ path });
      expect(answer.headers['slipway-version']).toBe('0.1.0-test');
    }
  });

  it('says who changed the spec of an application last, whatever is written there', async () => {
    const by = 'slipway.dev/changed-by';
    const [developer, admin] = [h.client('developer'), h.client('admin')];
    const forged = application('signed') as ApiObject;
    const made = await developer.create({
      ...forged,
      metadata: { ...forged.metadata, annotations: { [by]: 'root', team: 'a' } },
    });
    expect(made.metadata.annotations).toEqual({ [by]: 'a-developer', team: 'a' });
    const labelled = await admin.patch('Application', 'signed', {
      metadata: { labels: { a: 'b' }, annotations: { [by]: 'root' } },
    });
    expect(labelled.metadata.annotations?.[by]).toBe('a-developer');
    const changed = await admin.patch('Application', 'signed', { spec: { workload: { replicas: 3 } } });
    expect(changed.metadata.annotations?.[by]).toBe('a-admin');
  });

  it('refuses an artifact that was never uploaded, where it stands', async () => {
    const api = h.client('developer');
    const digest = `sha256:${'a'.repeat(64)}`;
    const forged = {
      ...application('absent-artifact'),
      spec: { workload: { artifact: `shop@${digest}`, command: ['a'], port: {}, readiness: { tcp: {} } } },
    };
    await expect(api.create(forged)).rejects.toMatchObject({
      code: 'invalid',
      details: [{ path: 'spec.workload.artifact', message: expect.stringContaining('is not here') }],
    });
    // Before the upload a dry run may ask what would come of it.
    await api.create(forged, { dryRun: true });
  });

  it('refuses to delete an environment that still has applications, and says which', async () => {
    const api = h.client('admin');
    await api.create({
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'Environment',
      metadata: { name: 'held' },
      spec: {},
    });
    const track = {
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'Track',
      metadata: { name: 'crud-held', namespace: 'default' },
      spec: { application: 'crud', environment: 'held' },
    };
    await h.store.create(track);
    await expect(api.delete('Environment', 'held')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('environment held still has crud'),
    });
    expect(await api.find('Environment', 'held')).toBeDefined();
    await h.store.delete({ kind: 'Track', namespace: 'default', name: 'crud-held' });
    await api.delete('Environment', 'held');
    expect(await api.find('Environment', 'held')).toBeUndefined();
  });

  it('keeps the drain finalizer of an Application whatever people write', async () => {
    const api = h.client('admin');
    const made = await api.create(application('drained'));
    expect(made.metadata.finalizers).toEqual(['slipway.dev/drain']);
    const { finalizers: _f, ...metadata } = made.metadata;
    const replaced = await api.replace<ApiObject>({ ...made, metadata: metadata as never });
    expect(replaced.metadata.finalizers).toEqual(['slipway.dev/drain']);
    const patched = await api.patch('Application', 'drained', { metadata: { finalizers: null } });
    expect(patched.metadata.finalizers).toEqual(['slipway.dev/drain']);
    const going = await api.delete('Application', 'drained');
    expect(going?.metadata.deletionTimestamp).toBeDefined();
    expect((await api.find('Application', 'drained'))?.metadata.uid).toBe(made.metadata.uid);
  });

  it('answers Success for what is gone at once', async () => {
    const api = h.client('admin');
    await api.create({
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'Environment',
      metadata: { name: 'gone' },
      spec: {},
    });
    expect(await api.delete('Environment', 'gone')).toBeUndefined();
    expect(await api.find('Environment', 'gone')).toBeUndefined();
  });

  it('refuses a stale replacement, and a replacement of no state', async () => {
    const api = h.client('developer');
    const made = await api.create(application('stale'));
    await api.patch('Application', 'stale', { metadata: { labels: { a: 'b' } } });
    await expect(api.replace(made)).rejects.toMatchObject({
      code: 'conflict',
      next: 'read it again and repeat the change',
    });
    await expect(api.replace(application('stale') as ApiObject)).rejects.toMatchObject({
      code: 'invalid',
      details: [{ path: 'metadata.resourceVersion', message: 'is required' }],
    });
  });

  it.each<[string, (uid: string, version: string) => object, string]>([
    [
      'patch with an old version',
      (_u, v) => ({ metadata: { resourceVersion: String(Number(v) - 1) } }),
      'conflict',
    ],
    ['patch with another uid', () => ({ metadata: { uid: 'other' } }), 'conflict'],
    [
      'patch with the right ones',
      (uid, v) => ({ metadata: { uid, resourceVersion: v, labels: { x: 'y' } } }),
      'ok',
    ],
  ])('preconditions: %s', async (title, patch, wanted) => {
    const api = h.client('developer');
    const name = title.replaceAll(' ', '-');
    const { metadata } = await api.create(application(name));
    const outcome = await api.patch('Application', name, patch(metadata.uid, metadata.resourceVersion)).then(
      () => 'ok',
      (error: { code: string }) => error.code,
    );
    expect(outcome).toBe(wanted);
  });

  it('deletes with preconditions', async () => {
    const api = h.client('developer');
    const made = await api.create(application('cond'));
    await expect(api.delete('Application', 'cond', { uid: 'other' })).rejects.toMatchObject({
      code: 'conflict',
    });
    await expect(api.delete('Application', 'cond', { resourceVersion: '1' })).rejects.toMatchObject({
      code: 'conflict',
    });
    await api.delete('Application', 'cond', {
      uid: made.metadata.uid,
      resourceVersion: made.metadata.resourceVersion,
    });
  });

  it('puts fifty patches at once on top of each other', async () => {
    const api = h.client('developer');
    await api.create(application('busy'));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) =>
        api.patch('Application', 'busy', { metadata: { annotations: { [`n${i}`]: 'x' } } }),
      ),
    );
    const done = outcomes.filter((o) => o.status === 'fulfilled').length;
    const { annotations = {} } = (await api.get('Application', 'busy')).metadata;
    const kept = Object.keys(annotations).filter((name) => /^n\d+$/.test(name)).length;
    expect(kept).toBe(done);
    expect(done).toBe(50);
  });

  it('pages through a list in one state', async () => {
    const api = h.client('admin');
    for (let i = 0; i < 7; i++) {
      await api.create({
        apiVersion: 'slipway.dev/v1alpha1',
        kind: 'Template',
        metadata: { name: `p${i}`, labels: { page: 'yes' } },
        spec: { workloads: {} },
      });
    }
    const names: string[] = [];
    let continueToken: string | undefined;
    do {
      const page = await api.list('Template', {
        limit: 3,
        labels: { page: 'yes' },
        ...(continueToken === undefined ? {} : { continueToken }),
      });
      expect(page.items.length).toBeLessThanOrEqual(3);
      names.push(...page.items.map((o) => o.metadata.name));
      continueToken = page.continueToken;
      if (names.length === 3) await api.delete('Template', 'p6');
    } while (continueToken !== undefined);
    expect(names).toEqual(['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6']);
  });

  it('checks without storing on a dry run', async () => {
    const api = h.client('developer');
    const dry = await api.create(application('dry'), { dryRun: true });
    expect(dry.spec).toEqual(application('dry').spec);
    expect(await api.find('Application', 'dry')).toBeUndefined();
    await expect(api.create(application('dry', { replicas: -1 }), { dryRun: true })).rejects.toMatchObject({
      code: 'invalid',
    });
  });

  it('lists all namespaces', async () => {
    const api = h.client('developer');
    await api.create(application('far'), { namespace: 'team-b' });
    const { items } = await api.list('Application', { allNamespaces: true });
    expect(items.some((o) => o.metadata.namespace === 'team-b')).toBe(true);
    expect((await api.list('Application')).items.some((o) => o.metadata.namespace === 'team-b')).toBe(false);
  });

  it('lets only a manager write status, and nothing of the spec with it', async () => {
    const system = h.client('system');
    const made = await system.create(application('with-status'));
    const path = `${IN_DEFAULT}/applications/with-status/status`;
    const body = JSON.stringify({
      ...made,
      spec: { workload: { command: ['evil'] } },
      status: { observedGeneration: 1 },
    });
    expect((await h.raw({ method: 'PUT', path, body, as: 'admin' })).status).toBe(403);
    const written = await h.raw({ method: 'PUT', path, body, as: 'system' });
    expect(written.json.status).toEqual({ observedGeneration: 1 });
    expect(written.json.spec).toEqual(made.spec);
    const viaMain = await h
      .client('developer')
      .patch('Application', 'with-status', { status: { observedGeneration: 99 } });
    expect(viaMain.status).toEqual({ observedGeneration: 1 });
    const wrong = await h.raw({
      method: 'PATCH',
      path,
      body: '{"status":{"observedGeneration":"x"}}',
      as: 'system',
    });
    expect(wrong.json.details.causes[0].field).toBe('status.observedGeneration');
  });

  it('never changes the spec of an immutable kind', async () => {
    const system = h.client('system');
    const spec = {
      application: 'a',
      environment: 'local',
      number: 1,
      digest: 'v1:x',
      workloads: [],
      parameters: {},
    };
    await system.create({
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'Revision',
      metadata: { name: 'a-local-r1' },
      spec,
    });
    await expect(system.patch('Revision', 'a-local-r1', { spec: { number: 2 } })).rejects.toMatchObject({
      code: 'invalid',
    });
    await system.patch('Revision', 'a-local-r1', { metadata: { labels: { a: 'b' } } });
  });
});

describe('what is refused', () => {
  const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
    h.raw({ method: 'POST', path: `${IN_DEFAULT}/applications`, body, headers, as: 'developer' });

  it.each<[string, string | Buffer, number, RegExp]>([
    ['no JSON', '{', 400, /not JSON/],
    ['an empty body', '', 400, /empty/],
    ['a list', '[]', 400, /must be one Application/],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, /UTF-8/],
    ['depth', `${'['.repeat(5_000)}${']'.repeat(5_000)}`, 400, /nested deeper/],
    [
      'brackets in a string are no depth',
      JSON.stringify(application('brackets-ok', { workingDirectory: '['.repeat(200) })),
      201,
      /./,
    ],
    ['__proto__', '{"__proto__":{"polluted":1}}', 400, /__proto__/],
    [
      'constructor',
      '{"metadata":{"name":"x"},"spec":{"constructor":{"prototype":{}}}}',
      400,
      /prototype|constructor/,
    ],
    ['another kind', JSON.stringify({ ...application('x'), kind: 'Secret' }), 400, /kind is \\"Secret\\"/],
    ['another version', JSON.stringify({ ...application('x'), apiVersion: 'v9' }), 422, /apiVersion/],
    [
      'another namespace',
      JSON.stringify({ ...application('x'), metadata: { name: 'x', namespace: 'other' } }),
      400,
      /metadata.namespace/,
    ],
    ['a hostile name', JSON.stringify(application('../../etc')), 422, /metadata.name/],
    ['an unknown field', JSON.stringify({ ...application('x'), spce: {} }), 422, /spce/],
    [
      'an unknown field of metadata',
      JSON.stringify({ ...application('x'), metadata: { name: 'x', lables: {} } }),
      422,
      /metadata.lables/,
    ],
    [
      'a hostile label',
      JSON.stringify({ ...application('x'), metadata: { name: 'x', labels: { 'a=b,c': 'd' } } }),
      422,
      /labels/,
    ],
    [
      '1 MiB and more',
      JSON.stringify(application('big', { workingDirectory: 'x'.repeat(1_100_000) })),
      413,
      /larger than/,
    ],
  ])('%s', async (_, body, status, message) => {
    const answer = await post(body);
    expect({ status: answer.status, message: answer.json?.message ?? answer.text }).toMatchObject({ status });
    if (status !== 201) {
      expect(answer.json).toMatchObject({ kind: 'Status', status: 'Failure', code: status });
      expect(answer.text).toMatch(message);
    }
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('names every cause with its path, what was found and what is allowed', async () => {
    const answer = await post(JSON.stringify(application('bad', { replicas: 'two', comand: [] })));
    expect(answer.json.reason).toBe('Invalid');
    expect(answer.json.details).toMatchObject({
      kind: 'applications',
      causes: [
        { field: 'spec.workload.replicas', message: 'found "two", allowed: a number' },
        {
          field: 'spec.workload.comand',
          message: expect.stringContaining('there is no such field; allowed here: artifact'),
        },
      ],
    });
  });

  it.each<[string, Record<string, string>, number]>([
    ['YAML', { 'content-type': 'application/yaml' }, 415],
    ['a strategic merge patch', { 'content-type': 'application/strategic-merge-patch+json' }, 415],
    ['nothing', { 'content-type': '' }, 415],
    ['JSON with a charset', { 'content-type': 'application/json; charset=utf-8' }, 201],
  ])('content type: %s', async (title, headers, status) => {
    expect((await post(JSON.stringify(application(`type-${title.length}`)), headers)).status).toBe(status);
  });

  it.each<[string, object, string]>([
    ['a directory that nobody uploaded', { artifact: './dist' }, 'spec.workload.artifact'],
    ['a service without readiness', { readiness: undefined }, 'spec.workload.readiness'],
  ])('what the engine finds impossible: %s', async (_, more, path) => {
    const refused = h.client('developer').create(application('impossible', more));
    await expect(refused).rejects.toMatchObject({ code: 'invalid', details: [{ path }] });
  });

  it('an application of a template that is not there', async () => {
    const object = { ...application('tpl'), spec: { template: { name: 'absent' } } };
    await expect(h.client('developer').create(object)).rejects.toMatchObject({
      details: [{ path: 'spec.template.name', message: expect.stringContaining('absent') }],
    });
  });

  it.each<[string, string, number, RegExp]>([
    ['GET', '/nothing', 404, /\/healthz/],
    ['GET', '/apis/slipway.dev/v1alpha1/namespaces/default/shops', 404, /applications/],
    ['DELETE', `${IN_DEFAULT}/applications`, 405, /GET, POST/],
    ['GET', `${IN_DEFAULT}/applications/absent`, 404, /slipway get applications/],
    ['GET', `${IN_DEFAULT}/applications/%E0%A4%A`, 400, /Status/],
    ['GET', '/apis/slipway.dev/v1alpha1/namespaces/..%2F..%2Fx/applications', 400, /namespace/],
    ['GET', `${IN_DEFAULT}/applications?labelSelector=a!=b`, 400, /labelSelector/],
    ['GET', `${IN_DEFAULT}/applications?fieldSelector=spec.x=b`, 400, /fieldSelector/],
    ['GET', `${IN_DEFAULT}/applications?limit=-1`, 400, /limit/],
    ['GET', `${IN_DEFAULT}/applications?continue=zzz`, 400, /continue/],
  ])('%s %s is answered with %i', async (method, path, status, message) => {
    const answer = await h.raw({ method, path });
    expect({ status: answer.status, text: answer.text }).toMatchObject({
      status,
      text: expect.stringMatching(message),
    });
    expect(answer.json.kind).toBe('Status');
  });
});
