import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bind } from '../../../src/embedded/listening.ts';
import { ControlSocketClient } from '../../../src/router/control-socket-client.ts';
import { eventually } from '../../support/eventually.ts';
import { backend, Cleanup, dial, GET, ok, RawInstance, route } from './support.ts';

const MAIN = new URL('../../../src/router/main.ts', import.meta.url).pathname;
const cleanup = new Cleanup();
let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-process-'));
});
afterEach(async () => {
  await cleanup.run();
  await rm(directory, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly control: ControlSocketClient;
  output: string;
  errors: string;
  code: number | null | undefined;
}

/** Starts the router's process; `fd` becomes its descriptor 3. */
function run(args: readonly string[], fd?: number): Running {
  const controlPath = join(directory, 'control.sock');
  const all = [MAIN, '--control', controlPath, '--table', join(directory, 'table.json'), ...args];
  const stdio = ['ignore', 'pipe', 'pipe', ...(fd === undefined ? [] : [fd])] as const;
  const child = spawn(process.execPath, all, { stdio: [...stdio] });
  const running: Running = {
    child,
    control: new ControlSocketClient(controlPath),
    output: '',
    errors: '',
    code: undefined,
  };
  child.stdout?.on('data', (data) => {
    running.output += data;
  });
  child.stderr?.on('data', (data) => {
    running.errors += data;
  });
  child.on('exit', (code) => {
    running.code = code;
  });
  cleanup.add({
    close: async () => {
      if (running.code === undefined) child.kill('SIGKILL');
      await eventually('the process to end', () => running.code !== undefined);
    },
  });
  return running;
}

async function serving(running: Running): Promise<number> {
  await eventually(
    'the router to listen',
    () => running.output.includes('\n') || Promise.reject(running.errors),
  );
  const { event, addresses } = JSON.parse(running.output) as { event: string; addresses: AddressInfo[] };
  expect(event).toBe('listening');
  return addresses[0]?.port ?? 0;
}

function table(port: number) {
  const versions = [{ version: 'shop-r1', weight: 100 }];
  return { generation: 1, routes: [route({ versions })], backends: [backend('shop-r1-a', port)] };
}

describe('the router’s process', () => {
  test('finishes what is inside when it is told to stop, and accepts nothing new', async () => {
    const running = run(['--listen', '127.0.0.1:0']);
    const port = await serving(running);
    const instance = cleanup.add(await new RawInstance().listen());
    await running.control.putTable(table(instance.port));
    const idle = cleanup.wire(await dial(port));
    const busy = cleanup.wire(await dial(port));
    busy.write(GET);
    const wire = await instance.wire(0);
    await wire.sees('\r\n\r\n');
    running.child.kill('SIGTERM');
    await idle.seesEnd();
    await expect(dial(port).then((late) => late.seesEnd())).resolves.toBe('');
    expect(running.code).toBeUndefined();
    wire.write(ok('done'));
    expect(await busy.sees('done')).toContain('connection: close\r\n');
    await eventually('the process to end', () => running.code !== undefined);
    expect(running.code).toBe(0);
  });

  test('ends what does not end, at its cap', async () => {
    const running = run(['--listen', '127.0.0.1:0', '--stop-cap-ms', '200']);
    const port = await serving(running);
    const instance = cleanup.add(await new RawInstance().listen());
    await running.control.putTable(table(instance.port));
    const busy = cleanup.wire(await dial(port));
    busy.write(GET);
    await (await instance.wire(0)).sees('\r\n\r\n');
    running.child.kill('SIGTERM');
    await eventually('the process to end', () => running.code !== undefined);
    expect(running.code).toBe(0);
    await busy.seesEnd();
  });

  test('serves on a descriptor that it was given; when it is killed its clients wait for the next one', async () => {
    const { fd, address } = bind({ host: '127.0.0.1', port: 0 }, '--listen');
    const instance = cleanup.add(await RawInstance.answering(ok('x')).listen());
    const first = run(['--listen-fd', '3'], fd);
    expect(await serving(first)).toBe(address.port);
    await first.control.putTable(table(instance.port));
    first.child.kill('SIGKILL');
    await eventually('it to be dead', () => first.code !== undefined);

    const client = cleanup.wire(await dial(address.port));
    client.write(GET);
    await serving(run(['--listen-fd', '3'], fd));
    await client.sees('x');
  });

  test.each([
    ['wrong arguments', ['--listen', 'nowhere'], 2, /HOST:PORT/],
    ['an address that is not its own', ['--listen', '203.0.113.1:1'], 1, /cannot listen on 203\.0\.113\.1:1/],
  ])('ends with a clear message at %s', async (_, args, code, message) => {
    const running = run(args);
    await eventually('the process to end', () => running.code !== undefined);
    expect(running.code).toBe(code);
    expect(running.errors).toMatch(message);
  });
});
