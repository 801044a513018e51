import { describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Files } from '../../lib/files.ts';
import { createLog } from '../../lib/log.ts';
import type { RouterControl } from '../../router/control-client.ts';
import { RouterUnavailable } from '../../router/control-socket-client.ts';
import type { Backend, RouteTable } from '../../router/table.ts';
import { JsonFile } from './json-file.ts';
import { TableWriter } from './table-writer.ts';

const backend = (id: string): Backend => ({
  id,
  version: 'v',
  service: 's',
  host: '127.0.0.1',
  port: 20_000,
  state: 'serving',
});

/** A writer over a router and a disk that fail as they are told. */
async function setUp(options: { held?: number } = {}) {
  const put: RouteTable[] = [];
  const saved: RouteTable[] = [];
  const faults: { router: unknown[]; disk: unknown[] } = { router: [], disk: [] };
  let backends: Backend[] = [backend('a')];
  let inForce: RouteTable = { generation: options.held ?? 0, routes: [], backends: [] };
  const control = {
    getTable: async () => inForce,
    putTable: async (table: RouteTable) => {
      const fault = faults.router.shift();
      if (fault !== undefined) throw fault;
      if (table.generation <= inForce.generation) throw new SlipwayError('conflict', 'not higher');
      expect(saved.at(-1)).toEqual(table);
      inForce = table;
      put.push(table);
      return { generation: table.generation, swappedAt: '2026-11-20T00:00:00.000Z' };
    },
  } as unknown as RouterControl;
  const files = {
    read: async () => undefined,
    writeAtomic: async (_path: string, data: string) => {
      const fault = faults.disk.shift();
      if (fault !== undefined) throw fault;
      saved.push(JSON.parse(data));
    },
  } as unknown as Files;
  const stop = new AbortController();
  const writer = new TableWriter({
    control,
    file: await JsonFile.open<RouteTable>(files, 'table.json', { generation: 3, routes: [], backends: [] }),
    content: () => ({ routes: [], backends }),
    onAcknowledged: () => undefined,
    clock: systemClock(),
    log: createLog({ process: 'test', level: 'silent' }),
    signal: stop.signal,
  });
  return { writer, put, faults, stop, show: (...ids: string[]) => (backends = ids.map(backend)) };
}

const generations = (tables: readonly RouteTable[]): number[] => tables.map(({ generation }) => generation);

describe('TableWriter', () => {
  it('numbers on from its file, and writes nothing that is in force already', async () => {
    const { writer, put, show } = await setUp();
    await writer.flush();
    await writer.flush();
    expect(generations(put)).toEqual([4]);
    show('b');
    expect((await writer.flush()).table.backends.map(({ id }) => id)).toEqual(['b']);
    expect(generations(put)).toEqual([4, 5]);
  });

  it('makes one write of many, and gives each caller one that has its change', async () => {
    const { writer, put, show } = await setUp();
    const first = writer.flush();
    const later = ['b', 'c', 'd'].map((id) => {
      show(id);
      return writer.flush();
    });
    await first;
    for (const { table } of await Promise.all(later)) expect(table.backends[0]?.id).toBe('d');
    expect(put).toHaveLength(2);
  });

  it('keeps trying while the router is away, with what is true by then', async () => {
    const { writer, put, faults, show } = await setUp();
    faults.router.push(new RouterUnavailable('sock', 'gone'), new RouterUnavailable('sock', 'gone'));
    const flushed = writer.flush();
    show('later');
    expect((await flushed).table.backends[0]?.id).toBe('later');
    expect(put).toHaveLength(1);
    expect(writer.isRouterAway).toBe(false);
  });

  it('passes a router that holds a higher number, as after a restored directory', async () => {
    const { writer, put } = await setUp({ held: 41 });
    await writer.flush();
    expect(generations(put)).toEqual([42]);
  });

  it('rejects what the router refuses, and does not call it acknowledged', async () => {
    const { writer, faults } = await setUp();
    faults.router.push(new SlipwayError('invalid', 'INV-3'));
    await expect(writer.flush()).rejects.toThrow('INV-3');
    expect(writer.acknowledged.table.generation).toBe(0);
    expect((await writer.flush()).table.generation).toBe(5);
  });

  it('shows the router no table whose number is not durable', async () => {
    const { writer, put, faults } = await setUp();
    faults.disk.push(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    await expect(writer.flush()).rejects.toThrow('the disk is full');
    expect(put).toEqual([]);
    expect(generations([(await writer.flush()).table])).toEqual([4]);
  });

  it('ends its tries with the driver', async () => {
    const { writer, faults, stop } = await setUp();
    for (let n = 0; n < 100; n += 1) faults.router.push(new RouterUnavailable('sock', 'gone'));
    const flushed = writer.flush();
    stop.abort(new Error('stopped'));
    await expect(flushed).rejects.toThrow('stopped');
  });
});
