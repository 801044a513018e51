import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemProcessTable } from '../../../src/lib/process-table.ts';
import type { ProcessIdentity } from '../../../src/lib/processes.ts';
import { nodeProcesses } from '../../../src/lib/processes-node.ts';
import { eventually } from '../../support/eventually.ts';

const processes = nodeProcesses();
const env = { PATH: `${process.execPath.replace(/\/[^/]*$/, '')}:/usr/bin:/bin` };
let directory: string;
let started: ProcessIdentity[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-processes-'));
  started = [];
});
afterEach(async () => {
  for (const identity of started) await processes.signalGroup(identity, 'SIGKILL');
  await rm(directory, { recursive: true });
});

const order = (argv: readonly string[], name = 'exit') => ({
  argv,
  cwd: directory,
  env,
  logFile: join(directory, 'log'),
  exitFile: join(directory, name),
});
const start = async (argv: readonly string[], name?: string): Promise<ProcessIdentity> => {
  const identity = await processes.spawnGroup(order(argv, name));
  started.push(identity);
  return identity;
};
const exitOf = (name = 'exit'): Promise<unknown> =>
  eventually('the exit file', async () => JSON.parse(await readFile(join(directory, name), 'utf8')));

describe('a supervised process group', () => {
  it.each<[string, string, unknown]>([
    ['success', 'exit 0', { code: 0, signal: null }],
    ['a status of its own', 'exit 7', { code: 7, signal: null }],
    ['a high status that is no signal', 'exit 250', { code: 250, signal: null }],
    ['a signal', 'kill -9 $$', { code: null, signal: 'SIGKILL' }],
  ])('records how it ended: %s', async (_name, script, expected) => {
    const identity = await start(['/bin/sh', '-c', script]);
    await processes.awaitExit(identity);
    expect(await exitOf()).toEqual(expected);
    expect(await processes.isAlive(identity)).toBe(false);
    expect(await processes.signalGroup(identity, 'SIGTERM')).toBe(false);
  });

  it('leaves no word of its own in the log when a signal ends it', async () => {
    const identity = await start(['/bin/sh', '-c', 'echo up; exec sleep 300']);
    const log = () => readFile(join(directory, 'log'), 'utf8');
    await eventually('it to run', async () => (await log()) === 'up\n');
    await processes.signalGroup(identity, 'SIGTERM');
    await processes.awaitExit(identity);
    expect(await exitOf()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(await log()).toBe('up\n');
  });

  it('says 127 where the command does not exist', async () => {
    await processes.awaitExit(await start(['no-such-command']));
    expect(await exitOf()).toEqual({ code: 127, signal: null });
    expect(await readFile(join(directory, 'log'), 'utf8')).toContain('no-such-command');
  });

  it('rejects what cannot be started at all', async () => {
    const bad = { ...order(['/bin/true']), cwd: join(directory, 'nowhere') };
    await expect(processes.spawnGroup(bad)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('survives SIGTERM itself and records the end that the application chose', async () => {
    const script =
      "process.on('SIGTERM', () => { console.log('ending'); setTimeout(() => process.exit(3), 50); }); setInterval(() => {}, 1e6); console.log('up');";
    const identity = await start(['node', '-e', script]);
    await eventually('the application', async () =>
      (await readFile(join(directory, 'log'), 'utf8')).includes('up'),
    );
    expect(await processes.signalGroup(identity, 'SIGTERM')).toBe(true);
    await processes.awaitExit(identity);
    expect(await exitOf()).toEqual({ code: 3, signal: null });
    expect(await readFile(join(directory, 'log'), 'utf8')).toBe('up\nending\n');
  });

  it('knows members that outlive the leader, and reaches them', async () => {
    const identity = await start(['/bin/sh', '-c', 'sleep 600 & exit 0']);
    await processes.awaitExit(identity);
    expect(await processes.isGroupAlive(identity)).toBe(true);
    expect(await processes.signalGroup(identity, 'SIGKILL')).toBe(true);
    await eventually('an empty group', async () => !(await processes.isGroupAlive(identity)));
  });

  it('is known to be over without a look at every process of the machine', async () => {
    const real = systemProcessTable();
    const blind = nodeProcesses({
      table: {
        ...real,
        list: async () => {
          throw new Error('the whole table was read');
        },
      },
    });
    const identity = await blind.spawnGroup(order(['/bin/true']));
    await blind.awaitExit(identity);
    await eventually('an empty group', async () => !(await blind.isGroupAlive(identity)));
    expect(await blind.signalGroup(identity, 'SIGKILL')).toBe(false);
  });

  it('measures memory and CPU of the whole group', async () => {
    const identity = await start([
      'node',
      '-e',
      'while (process.cpuUsage().user < 250_000); setInterval(() => {}, 1e6)',
    ]);
    const used = await eventually('CPU time', async () => {
      const usage = await nodeProcesses().usage(identity);
      return usage !== undefined && usage.cpuMs >= 200 ? usage : undefined;
    });
    expect(used.rssBytes).toBeGreaterThan(20_000_000);
  });

  it('never takes another process with the same pid for its own', async () => {
    const identity = { pid: process.pid, startTime: 'another boot:1' };
    expect(await processes.isAlive(identity)).toBe(false);
    expect(await processes.isGroupAlive(identity)).toBe(false);
    expect(await processes.signalGroup(identity, 'SIGKILL')).toBe(false);
    await processes.awaitExit(identity);
  });
});

describe('the note of SIGTERM', () => {
  it('is there once it came, and not before', async () => {
    const identity = await start(['sh', '-c', 'trap "" TERM; echo up; sleep 600']);
    await eventually('the application', async () =>
      (await readFile(join(directory, 'log'), 'utf8')).includes('up'),
    );
    expect(existsSync(join(directory, 'exit.term'))).toBe(false);
    await processes.signalGroup(identity, 'SIGTERM');
    await eventually('the note', () => existsSync(join(directory, 'exit.term')));
    await processes.signalGroup(identity, 'SIGTERM');
    expect(await processes.isAlive(identity)).toBe(true);
  });
});

describe('a group whose starter died', () => {
  /** Starts the group from a process of its own, which is then killed, as an agent would be. */
  const startElsewhere = async (argv: readonly string[]): Promise<void> => {
    const library = new URL('../../../src/lib/processes-node.ts', import.meta.url).href;
    const script = `const { nodeProcesses } = await import(${JSON.stringify(library)});
      await nodeProcesses().spawnGroup(${JSON.stringify(order(argv))});
      process.stdout.write('started\\n'); setInterval(() => {}, 1e6);`;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(starter.stdout, 'data');
    starter.kill('SIGKILL');
    await once(starter, 'exit');
  };

  it('goes on, is found again by its exit file, and its end is noticed within 150 ms', async () => {
    await startElsewhere(['sleep', '600']);
    const identity = await processes.reclaimGroup(join(directory, 'exit'));
    if (identity === undefined) throw new Error('the group was not found');
    started.push(identity);
    expect(await processes.isAlive(identity)).toBe(true);
    const ended = processes.awaitExit(identity);
    const killedAt = performance.now();
    await processes.signalGroup(identity, 'SIGKILL');
    await ended;
    expect(performance.now() - killedAt).toBeLessThan(150);
  });

  it('is undefined when the pid belongs to somebody else by now', async () => {
    await writeFile(join(directory, 'exit.pid'), `${process.pid}\n`);
    expect(await processes.reclaimGroup(join(directory, 'exit'))).toBeUndefined();
  });

  it('never was where not even its directory is there', async () => {
    expect(await processes.reclaimGroup(join(directory, 'nowhere', 'exit'))).toBeUndefined();
  });

  it('never starts after it was given up', async () => {
    expect(await processes.reclaimGroup(join(directory, 'exit'))).toBeUndefined();
    const identity = await start(['/bin/sh', '-c', 'echo ran']);
    await processes.awaitExit(identity);
    expect(await readFile(join(directory, 'log'), 'utf8')).not.toContain('ran');
  });
});

describe('awaiting an exit', () => {
  it('rejects with the reason of its signal', async () => {
    const identity = await start(['sleep', '600']);
    const abort = new AbortController();
    const waiting = processes.awaitExit(identity, abort.signal);
    abort.abort(new Error('no longer wanted'));
    await expect(waiting).rejects.toThrow('no longer wanted');
  });
});

describe('a one-shot command', () => {
  const run = (argv: readonly string[], more: object = {}) =>
    processes.run({ argv, env, cwd: directory, timeoutMs: 5_000, ...more });

  it('answers status and both streams', async () => {
    expect(await run(['/bin/sh', '-c', 'echo out; echo err >&2; exit 4'])).toMatchObject({
      exitCode: 4,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
      timedOut: false,
    });
  });
  it('inherits nothing of the environment', async () => {
    process.env.SLIPWAY_CANARY = 'seen';
    expect((await run(['/bin/sh', '-c', 'echo "[$SLIPWAY_CANARY]"'])).stdout).toBe('[]\n');
    delete process.env.SLIPWAY_CANARY;
  });
  it('is killed whole at the time limit', async () => {
    const outcome = await run(['/bin/sh', '-c', 'sleep 600 & sleep 600'], { timeoutMs: 100 });
    expect(outcome).toMatchObject({ timedOut: true, signal: 'SIGKILL' });
    expect(outcome.ms).toBeLessThan(2_000);
  });
  it('keeps at most maxBytes and never blocks on the rest', async () => {
    const outcome = await run(['/bin/sh', '-c', 'head -c 3000000 /dev/zero; exit 0'], { maxBytes: 10 });
    expect(outcome.exitCode).toBe(0);
    expect(outcome.stdout).toHaveLength(10);
  });
  it('rejects what cannot be started', async () => {
    await expect(run(['no-such-command'])).rejects.toMatchObject({ code: 'ENOENT' });
  });
  it('is killed when the caller aborts', async () => {
    const abort = new AbortController();
    const running = run(['sleep', '600'], { signal: abort.signal });
    abort.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
  });
});
