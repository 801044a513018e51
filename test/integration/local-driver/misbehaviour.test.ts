import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { InstanceProof } from '../../../src/drivers/local/proof.ts';
import { SlipwayError } from '../../../src/lib/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { HOST, Machine, routeDefaults } from './harness.ts';

let machine: Machine;
const begin = async (options: Parameters<typeof Machine.start>[0] = {}): Promise<void> => {
  machine = await Machine.start(options);
};
afterEach(async () => {
  await machine.stop();
});

const readiness = (more: object) => ({
  http: { path: '/healthz', expectStatus: [200] },
  interval: '50ms',
  timeout: '500ms',
  failureThreshold: 2,
  startTimeout: '10s',
  ...more,
});

describe('an application that does not come up', () => {
  beforeEach(() => begin());

  it('is a crash loop within seconds, with its code and its last lines, and final from the fifth on', async () => {
    const startedAt = performance.now();
    await machine.want('shop-r1', 2, { env: { CRASH: '3' } });
    const { problem } = await machine.seen('shop-r1', 'a crash loop', (seen) => seen.problem !== null);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(problem?.reason).toBe('crashLoop');
    expect(problem?.message).toMatch(/exited with code 3 .* after its start \(\d times in a row\)/);
    expect(problem?.message).toContain('cannot find the database');
    const final = await machine.seen('shop-r1', 'final', (seen) => seen.problem?.final === true);
    expect(final.problem?.message).toMatch(/\((5|6|7) times in a row\)/);
    expect(final.ready).toBe(0);
    // The wish of another order begins anew.
    await machine.want('shop-r1', 0);
    await machine.seen('shop-r1', 'is gone', ({ instances }) => instances.length === 0);
  });

  it('says the error itself, not the stack behind it', async () => {
    await machine.want('shop-r1', 1, { command: ['node', '-e', "require('./nowhere.js')"] });
    const { problem } = await machine.seen('shop-r1', 'a crash loop', (seen) => seen.problem !== null);
    expect(problem?.message).toContain("Error: Cannot find module './nowhere.js'");
    expect(problem?.message.match(/^\s+at /gm)).toHaveLength(1);
    await machine.want('shop-r1', 0);
  });

  const refusals: [name: string, spec: object, reason: string, says: RegExp][] = [
    [
      'a command that is not there',
      { command: ['no-such-program'] },
      'cannotStart',
      /"no-such-program" was not found in PATH/,
    ],
    [
      'a file that is not executable',
      { command: ['./app.mjs'] },
      'cannotStart',
      /"\.\/app\.mjs" is not executable/,
    ],
    [
      'a working directory outside',
      { workingDirectory: '../..' },
      'cannotStart',
      /leads out of the artifact/,
    ],
    ['an image', { artifact: undefined, image: 'shop:1' }, 'cannotStart', /this machine runs directories/],
  ];
  it.each(refusals)('says so at once: %s', async (_name, spec, reason, says) => {
    await machine.want('shop-r1', 1, spec);
    const { problem } = await machine.seen('shop-r1', 'a problem', (seen) => seen.problem !== null, 3_000);
    expect(problem).toMatchObject({ reason, final: true });
    expect(problem?.message).toMatch(says);
    expect(problem?.message).not.toContain('log');
  });

  it('is a start timeout when it never gets ready, and is ended', async () => {
    await machine.want('shop-r1', 1, {
      env: { NEVER_LISTEN: '1' },
      readiness: readiness({ startTimeout: '300ms' }),
    });
    const { problem } = await machine.seen('shop-r1', 'a start timeout', (seen) => seen.problem !== null);
    expect(problem?.reason).toBe('startTimeout');
    expect(problem?.message).toMatch(
      /was not ready 300ms after its start \(last probe: nothing listens on 127\.0\.0\.1:\d+; it must listen on the port that PORT names\)/,
    );
    await machine.want('shop-r1', 0);
  });

  it('has one fresh attempt after a start timeout, and says what its probe was told', async () => {
    const unready = join(machine.directory, 'unready');
    await writeFile(unready, '');
    await machine.want('shop-r1', 1, {
      env: { UNREADY_FILE: unready },
      readiness: readiness({ startTimeout: '600ms' }),
    });
    const startedAt = performance.now();
    const { problem } = await machine.seen('shop-r1', 'final', (seen) => seen.problem?.final === true);
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(problem?.message).toMatch(
      /last probe: GET \/healthz answered 503, not 200, for 0\.\d s\) \(2 times/,
    );
    expect(problem?.message).not.toContain('must listen');
    await machine.want('shop-r1', 0);
  });
});

describe('what an application needs', () => {
  const missing = new SlipwayError('notFound', 'no such thing');
  it.each<[string, object, object, string, RegExp]>([
    [
      'an artifact',
      { artifacts: async () => Promise.reject(missing) },
      {},
      'artifactMissing',
      /artifact sha256:000000000000… cannot be had: no such thing/,
    ],
    [
      'a Secret',
      { secrets: async () => Promise.reject(missing) },
      { env: { TOKEN: { secret: 'api', key: 'token', version: 'x' } } },
      'secretMissing',
      /there is no Secret "api" \(for TOKEN\)/,
    ],
    [
      'a key of a Secret',
      { secrets: async () => ({ other: 'x' }) },
      { env: { TOKEN: { secret: 'api', key: 'token', version: 'x' } } },
      'secretMissing',
      /Secret "api" has no key "token" \(for TOKEN\)/,
    ],
    [
      'room on the disk',
      { artifacts: async () => Promise.reject(Object.assign(new Error('write'), { code: 'ENOSPC' })) },
      {},
      'outOfResources',
      /the disk is full/,
    ],
  ])('is named when it is missing: %s', async (_name, options, spec, reason, says) => {
    await begin(options);
    await machine.want('shop-r1', 1, spec);
    const { problem } = await machine.seen('shop-r1', 'a problem', (seen) => seen.problem !== null, 3_000);
    expect(problem?.reason).toBe(reason);
    expect(problem?.message).toMatch(says);
  });

  it('is its own environment, and nothing of Slipway', async () => {
    process.env.SLIPWAY_TOKEN = 'canary';
    await begin({ secrets: async () => ({ token: 's3cret' }) });
    await machine.want('shop-r1', 1, {
      env: { TOKEN: { secret: 'api', key: 'token', version: 'x' }, FEATURE: 'on' },
    });
    const { instances } = await machine.serving('shop-r1', 1);
    await machine.traffic({ 'shop-r1': 100 });
    const { env } = JSON.parse((await machine.get('/env')).body);
    delete process.env.SLIPWAY_TOKEN;
    expect(env).toMatchObject({ TOKEN: 's3cret', FEATURE: 'on', SLIPWAY_REVISION: 'shop-r1' });
    expect(env.SLIPWAY_INSTANCE).toBe(instances[0]?.id);
    expect(env.PORT).toBe(String(instances[0]?.port));
    const known = ['PATH', 'HOME', 'TOKEN', 'FEATURE', 'VERSION', 'PORT', 'PWD', 'OLDPWD', 'SHLVL', '_'];
    expect(
      Object.keys(env)
        .filter((name) => !known.includes(name))
        .toSorted(),
    ).toEqual(['SLIPWAY_INSTANCE', 'SLIPWAY_REVISION']);
  });

  it.runIf(process.getuid?.() === 0)("is a user of its own, who cannot read what is Slipway's", async () => {
    const artifact = await mkdtemp(join(tmpdir(), 'slipway-artifact-'));
    await chmod(artifact, 0o755);
    await begin({ user: { uid: 61_840, gid: 61_840 }, artifacts: async () => artifact });
    const token = join(machine.directory, 'token');
    await writeFile(token, 'canary', { mode: 0o600 });
    const worker = { type: 'worker' as const, port: undefined, readiness: undefined };
    await machine.want('shop-r1', 1, {
      ...worker,
      command: ['sh', '-c', `cat ${token} $HOME/../meta.json; id -u; touch "$HOME/own" && exec sleep 600`],
    });
    const { instances } = await machine.seen('shop-r1', 'runs', ({ ready }) => ready === 1);
    const log = await eventually('its log', async () => {
      const text = (await machine.log(instances[0]?.id ?? '')).join('\n');
      return text.includes('61840') ? text : undefined;
    });
    expect(log.match(/Permission denied/g)).toHaveLength(2);
    expect(log).not.toContain('canary');
    await machine.seen('shop-r1', 'still runs', ({ ready, problem }) => ready === 1 && problem === null);

    await chmod(artifact, 0o700);
    await machine.want('shop-r2', 1, { ...worker, command: ['sleep', '600'] });
    const { problem } = await machine.seen('shop-r2', 'a problem', (seen) => seen.problem !== null);
    expect(problem?.reason).toBe('cannotStart');
    expect(problem?.message).toMatch(
      /^user 61840, as whom applications run, cannot get to .* is closed to it \(mode 0700\)/,
    );
    await rm(artifact, { recursive: true });
  });
});

describe('an instance that lies about its readiness', () => {
  const blind: InstanceProof = { prove: async () => ({ ok: true }) };
  const lie = async (how: string): Promise<void> => {
    await machine.want('shop-r1', 1);
    await machine.serving('shop-r1', 1);
    await machine.traffic({ 'shop-r1': 100 });
    await machine.want('shop-r2', 2, { env: { LIE: how }, readiness: readiness({ timeout: '300ms' }) });
    await machine.seen('shop-r2', 'says that it is ready', (seen) => seen.ready === 2);
  };

  it.each(['hang', 'error'])('never gets traffic (%s)', async (how) => {
    await begin();
    await lie(how);
    const seen = await machine.seen(
      'shop-r2',
      'a problem',
      ({ problem }) => problem?.reason === 'proofFailed',
    );
    expect(seen).toMatchObject({ ready: 2, proven: 0 });
    expect(seen.instances.some(({ admitted }) => admitted)).toBe(false);
    expect(seen.problem?.message).toMatch(/asked through the router, .* ready all the same/);
    const written = await machine.traffic({ 'shop-r2': 100 });
    expect(written).toEqual({
      ok: false,
      reason: 'shop-r2 has no instance that is ready and proven, so it gets no traffic (INV-1)',
    });
    expect((await machine.get()).body).toBe('shop-r1');
    expect(await machine.control.stats()).toMatchObject({ versions: [{ version: 'shop-r1' }] });
  });

  it('is given up after three proofs without any answer, and what those asked is nobody’s request', async () => {
    await begin();
    await lie('hang');
    const { problem } = await machine.seen(
      'shop-r2',
      'given up',
      (seen) => seen.problem?.final === true,
      15_000,
    );
    expect(problem?.message).toMatch(/^GET \/ got no complete answer.*, 3 tries;/);
    const startedAt = performance.now();
    await machine.want('shop-r2', 0);
    const { drains } = await machine.seen('shop-r2', 'is gone', ({ instances }) => instances.length === 0);
    expect(performance.now() - startedAt).toBeLessThan(2_500);
    expect(drains.map(({ cut }) => cut)).toEqual([0, 0]);
  });

  it('does get it under a blind stand-in for the proof, which is what the proof prevents', async () => {
    await begin({ proof: blind });
    await lie('error');
    await machine.serving('shop-r2', 2);
    expect(await machine.traffic({ 'shop-r2': 100 })).toMatchObject({ ok: true });
    expect(await machine.get()).toMatchObject({ status: 500, version: 'shop-r2' });
  });
});

describe('an instance that ends badly', () => {
  beforeEach(() => begin());

  it('that ignores SIGTERM is killed after its grace', async () => {
    await machine.want('shop-r1', 1, {
      env: { IGNORE_TERM: '1' },
      drain: { timeout: '1s', streamTimeout: '200ms', grace: '300ms' },
    });
    await machine.serving('shop-r1', 1);
    await machine.want('shop-r1', 0, { drain: { timeout: '1s', streamTimeout: '200ms', grace: '300ms' } });
    const seen = await machine.seen('shop-r1', 'is gone', ({ instances }) => instances.length === 0);
    expect(seen.drains).toMatchObject([{ requests: 0, streams: 0, cut: 0, killed: true }]);
    expect(machine.lines.join('\n')).toContain('ignored SIGTERM');
  });

  it('that is killed leaves the table at once and is replaced with no more failed than was inside', async () => {
    await machine.want('shop-r1', 3);
    const before = await machine.serving('shop-r1', 3);
    await machine.traffic({ 'shop-r1': 100 });
    const victim = before.instances[0];
    const results: number[] = [];
    let stop = false;
    const load = (async () => {
      while (!stop) results.push((await machine.get()).status);
    })();
    const killedAt = performance.now();
    await machine.killInstance(victim?.id ?? '');
    await eventually('the table without it', async () =>
      (await machine.control.getTable()).backends.every(({ id }) => id !== victim?.id),
    );
    const leftMs = performance.now() - killedAt;
    const after = await machine.serving('shop-r1', 3);
    stop = true;
    await load;
    expect(leftMs).toBeLessThan(2_000);
    expect(after.instances.some(({ restarts }) => restarts === 1)).toBe(true);
    expect(after.instances.some(({ port }) => port === victim?.port)).toBe(false);
    // One request may have been inside when the instance died; none is sent there afterwards.
    expect(results.filter((status) => status !== 200).length).toBeLessThanOrEqual(1);
    expect(results.length).toBeGreaterThan(10);
  });

  it('with children that it leaves behind takes them along', async () => {
    await machine.want('shop-r1', 1, {
      type: 'worker',
      port: undefined,
      readiness: undefined,
      command: ['sh', '-c', 'sleep 601 & echo child=$!; sleep 0.3; exit 5'],
    });
    const seen = await machine.seen(
      'shop-r1',
      'a crash loop',
      ({ problem }) => problem?.reason === 'crashLoop',
    );
    const child = Number(/child=(\d+)/.exec(seen.problem?.message ?? '')?.[1]);
    await eventually('the child gone', () => {
      try {
        process.kill(child, 0);
        return false;
      } catch {
        return true;
      }
    });
  });

  it('that floods its log fills no disk', async () => {
    await machine.stopDriver();
    await machine.startDriver({ limits: { logBytes: 200_000, logFiles: 2 } });
    await machine.want('shop-r1', 1, { env: { FLOOD: '1' } });
    const { instances } = await machine.serving('shop-r1', 1);
    const directory = join(machine.directory, 'agent/instances', instances[0]?.id ?? '');
    // While a rotation renames them, a name may be missing for a moment.
    const sizes = await eventually('two rotations', () =>
      Promise.all(['log.1', 'log.2'].map(async (name) => (await stat(join(directory, name))).size)),
    );
    for (const size of sizes) expect(size).toBeLessThanOrEqual(2 * 200_000 + 1_048_576);
    expect((await readdir(directory)).includes('log.3')).toBe(false);
    await machine.traffic({ 'shop-r1': 100 });
    expect((await machine.get()).status).toBe(200);
  });
});

describe('readiness that is lost', () => {
  it('takes one out, never the last, and says so', async () => {
    await begin();
    const flag = join(machine.directory, 'unready');
    await machine.want('shop-r1', 2, { env: { UNREADY_FILE: flag } });
    await machine.serving('shop-r1', 2);
    await machine.traffic({ 'shop-r1': 100 }, [routeDefaults({ host: HOST })]);
    await writeFile(flag, '');
    const seen = await machine.seen('shop-r1', 'nobody ready', ({ ready }) => ready === 0);
    expect(seen.problem?.reason).toBe('probeFailed');
    await machine.seen(
      'shop-r1',
      'kept in service',
      (now) =>
        now.problem?.message.includes('kept in service (INV-7)') === true &&
        now.instances.every(({ admitted }) => admitted),
    );
    expect((await machine.get()).status).toBe(200);
    await rm(flag);
    await machine.seen('shop-r1', 'ready again', ({ ready, problem }) => ready === 2 && problem === null);
    await machine.serving('shop-r1', 2);
  });
});
