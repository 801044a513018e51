import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { API_VERSION } from '../../../src/api/meta.ts';
import { makeDirectories } from '../../../src/embedded/data-directory.ts';
import { supervisorStatus } from '../../../src/embedded/supervisor-client.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { eventually } from '../../support/eventually.ts';
import { knock, TestSlipway } from './support.ts';

const LONG = { timeout: 60_000 };

describe('up and down', () => {
  it('starts, refuses a second start in words, and leaves nothing behind', LONG, async () => {
    await using slipway = new TestSlipway();
    const { status, adopted } = await slipway.up();
    expect(adopted).toEqual([]);
    expect(status.roles.map(({ role, state }) => [role, state])).toEqual([
      ['router', 'ready'],
      ['manager', 'ready'],
      ['agent', 'ready'],
    ]);
    expect(status.warnings.join()).toContain('same user as Slipway');
    await expect(slipway.up()).rejects.toThrow(
      new RegExp(`already runs on .*: process ${status.pid}, since .*, API https:.*, traffic http:`),
    );
    expect(await slipway.processes()).toHaveLength(4);
    expect((await slipway.down()).at(-1)).toBe('stopped');
    expect(await slipway.processes()).toEqual([]);
    expect(existsSync(slipway.data.supervisorFile)).toBe(false);
    await expect(fetch(status.urls.entry[0] ?? '')).rejects.toThrow('fetch failed');
  });

  it('comes back on the same ports', LONG, async () => {
    await using slipway = new TestSlipway();
    const first = await slipway.up();
    await slipway.down();
    const second = await slipway.upAgain();
    expect(second.status.urls).toEqual(first.status.urls);
  });

  it('takes over what a machine that lost power left', LONG, async () => {
    await using slipway = new TestSlipway();
    makeDirectories(slipway.data);
    const record = {
      role: 'router',
      pid: process.pid,
      startTime: 'another boot:1',
      version: '0',
      state: 'ready',
    };
    writeFileSync(
      slipway.data.supervisorFile,
      JSON.stringify({ ...record, since: '2026-01-01T00:00:00.000Z' }),
    );
    writeFileSync(
      `${slipway.data.run}/router.json`,
      JSON.stringify({ ...record, at: 0, readyMs: 1, message: null, next: null }),
    );
    const { status } = await slipway.up();
    expect(status.roles.every((role) => role.state === 'ready' && !role.adopted)).toBe(true);
  });

  it('says who has a port and what to do', LONG, async () => {
    await using slipway = new TestSlipway();
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port));
    });
    try {
      const starting = slipway.up({ entry: [{ host: '127.0.0.1', port }] });
      await expect(starting).rejects.toMatchObject({
        message: `Port ${port} of 127.0.0.1 is in use by another program.`,
        next: expect.stringContaining('slipway up --http PORT'),
      });
      expect(await slipway.processes()).toEqual([]);
    } finally {
      other.close();
    }
  });

  it('says why a process does not come up, with the end of its log', LONG, async () => {
    await using slipway = new TestSlipway();
    makeDirectories(slipway.data);
    mkdirSync(slipway.data.database);
    await expect(slipway.up()).rejects.toThrow(/manager.*[\s\S]*slipway\.db/);
    expect(await supervisorStatus(slipway.data)).toBeUndefined();
    expect(await slipway.processes()).toEqual([]);
  });

  it('refuses unfinished work of another version, with the list', LONG, async () => {
    await using slipway = new TestSlipway();
    makeDirectories(slipway.data);
    const [clock, random] = [systemClock(), systemRandom()];
    const store = await openSqliteStore({
      file: slipway.data.database,
      clock,
      random,
      programVersion: '0.0.9',
    });
    const object = (kind: string, name: string, spec: unknown, status: unknown) =>
      store
        .create({ apiVersion: API_VERSION, kind, metadata: { name, namespace: 'default' }, spec })
        .then((stored) => store.updateStatus({ ...stored, status }));
    await object('Release', 'old-local-r1', { slipwayVersion: '0.0.9' }, { phase: 'Paused', endedAt: null });
    await object(
      'Release',
      'old-local-r0',
      { slipwayVersion: '0.0.9' },
      { phase: 'Succeeded', endedAt: 'then' },
    );
    await object('Execution', 'old-local-r1-e1-s1', { slipwayVersion: '0.0.9' }, { phase: 'Running' });
    await store.close();
    const refusal: Error = await slipway.up().then(
      () => new Error('it started'),
      (error: Error) => error,
    );
    expect(refusal.message).toContain('Release old-local-r1 (Paused, made by 0.0.9)');
    expect(refusal.message).toContain('Execution old-local-r1-e1-s1 (Running, made by 0.0.9)');
    expect(refusal.message).not.toContain('old-local-r0');
    expect(await slipway.processes()).toEqual([]);
  });
});

describe('kill -9', () => {
  it('of the supervisor: the router starts the next, which adopts and goes on watching', LONG, async () => {
    await using slipway = new TestSlipway();
    const { status } = await slipway.up();
    const clients = knock(status.urls.entry[0] ?? '', 8);
    for (let round = 0; round < 3; round++) {
      const before = slipway.pid('supervisor');
      const roles = [slipway.pid('router'), slipway.pid('manager'), slipway.pid('agent')];
      slipway.kill('supervisor');
      await slipway.successor('supervisor', before);
      const after = await slipway.ready();
      expect([slipway.pid('router'), slipway.pid('manager'), slipway.pid('agent')]).toEqual(roles);
      expect(after.roles.every((role) => role.adopted)).toBe(true);
      expect(after.since).toBe(status.since);
    }
    const manager = slipway.pid('manager');
    slipway.kill('manager');
    await slipway.successor('manager', manager);
    await slipway.ready();
    const { answered, failures } = await clients.stop();
    expect(failures).toEqual({});
    expect(answered).toBeGreaterThan(50);
  });

  it('of the router: connections wait for the next one, none is refused', LONG, async () => {
    await using slipway = new TestSlipway();
    const { status } = await slipway.up();
    const clients = knock(status.urls.entry[0] ?? '', 8);
    const rounds = 3;
    for (let round = 0; round < rounds; round++) {
      await eventually('the clients to be answered', () => clients.answered() > 20 * (round + 1));
      const router = slipway.pid('router');
      slipway.kill('router');
      await slipway.successor('router', router);
      await slipway.ready();
    }
    const { failures } = await clients.stop();
    expect(failures.ECONNREFUSED ?? 0).toBe(0);
    // Only what was inside the killed process is lost: at most one request of each client a round.
    expect(Object.values(failures).reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(8 * rounds);
  });

  it('of router and supervisor after an adoption: the adopted sockets are still the same', LONG, async () => {
    await using slipway = new TestSlipway();
    const { status } = await slipway.up();
    const supervisor = slipway.pid('supervisor');
    slipway.kill('supervisor');
    const second = await slipway.successor('supervisor', supervisor);
    await slipway.ready();
    const clients = knock(status.urls.entry[0] ?? '', 4);
    const router = slipway.pid('router');
    slipway.kill('router');
    await slipway.successor('router', router);
    await slipway.ready();
    expect(slipway.pid('supervisor')).toBe(second);
    expect((await clients.stop()).failures.ECONNREFUSED ?? 0).toBe(0);
  });

  it('of supervisor and router at once: up adopts the agent and binds anew', LONG, async () => {
    await using slipway = new TestSlipway();
    const { status } = await slipway.up();
    const agent = slipway.pid('agent');
    slipway.kill('supervisor', 'router');
    await eventually('both to be gone', async () => (await slipway.processes()).length === 2);
    const again = await slipway.upAgain();
    expect(again.status.urls).toEqual(status.urls);
    // The manager has the API's socket and starts anew; the applications' agent goes on.
    expect(again.adopted).toEqual(['agent']);
    expect(slipway.pid('agent')).toBe(agent);
    expect((await fetch(status.urls.entry[0] ?? '')).status).toBe(503);
  });

  it('of the supervisor: up at the same moment finds the one that the router starts', LONG, async () => {
    await using slipway = new TestSlipway();
    await slipway.up();
    const supervisor = slipway.pid('supervisor');
    slipway.kill('supervisor');
    const outcome = await slipway.upAgain().then(
      ({ adopted }) => adopted.join(),
      (error: Error) => error.message,
    );
    expect(outcome).toMatch(/^(router,manager,agent|Slipway already runs on .*)$/s);
    await slipway.successor('supervisor', supervisor);
    await slipway.ready();
    expect(await slipway.processes()).toHaveLength(4);
  });

  it('of the supervisor in the middle of a stop: the next finishes it', LONG, async () => {
    await using slipway = new TestSlipway();
    await slipway.up();
    const stopping = slipway.down().catch(() => []);
    await eventually('the stop to begin', () => existsSync(slipway.data.downFile), { intervalMs: 1 });
    slipway.kill('supervisor');
    await stopping;
    await eventually('everything to be gone', async () => (await slipway.processes()).length === 0, {
      timeoutMs: 20_000,
    });
    expect(existsSync(slipway.data.downFile)).toBe(false);
  });

  it('of manager and agent: both are back at once, and it is told why they went', LONG, async () => {
    await using slipway = new TestSlipway();
    await slipway.up();
    for (const role of ['manager', 'agent'] as const) {
      const before = slipway.pid(role);
      const killedAt = performance.now();
      slipway.kill(role);
      await slipway.successor(role, before);
      expect(performance.now() - killedAt).toBeLessThan(5_000);
      await slipway.ready();
    }
    const log = readFileSync(`${slipway.data.logs}/supervisor.log`, 'utf8');
    expect(log).toMatch(/"role":"manager".*"how":"signal SIGKILL"/);
  });
});
