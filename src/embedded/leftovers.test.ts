import { expect, test } from 'vitest';
import type { Files } from '../lib/files.ts';
import type { ProcessEntry, ProcessTable } from '../lib/process-table.ts';
import type { Processes } from '../lib/processes.ts';
import { dataDirectory } from './data-directory.ts';
import { findLeftovers, findLostGroups, type LookAt } from './leftovers.ts';

const data = dataDirectory('/no-such-place/slipway');
const wrapper = (root: string, id: string): string =>
  `/bin/sh -c e=$1; shift slipway-instance ${root}/agent/instances/${id}/run/exit node server.js`;

const entry = (pid: number, group: number): ProcessEntry => ({
  pid,
  group,
  startTime: `boot:${pid}`,
  zombie: false,
  rssBytes: 0,
  cpuMs: 0,
});

/** Pids are above what any kernel gives out, so that no real process answers for one. */
const at = (
  running: readonly (readonly [pid: number, group: number, words: string])[],
  files: Readonly<Record<string, string>> = {},
): LookAt => ({
  data,
  table: {
    get: (pid) => Promise.resolve(running.some(([one]) => one === pid) ? entry(pid, pid) : undefined),
    list: () => Promise.resolve(running.map(([pid, group]) => entry(pid, group))),
    arguments: (pid) => Promise.resolve(running.find(([one]) => one === pid)?.[2]),
  } satisfies ProcessTable,
  processes: {} as Processes,
  files: {
    list: () => Promise.resolve([]),
    read: (path: string) => Promise.resolve(path in files ? Buffer.from(files[path] ?? '') : undefined),
  } as unknown as Files,
});

const A = 5_000_001;
const B = 5_000_002;

test.each<[string, LookAt, string[]]>([
  ['the wrapper of an instance', at([[A, A, wrapper(data.root, 'shop-1')]]), [`shop-1 ${A}`]],
  ['another data directory', at([[A, A, wrapper('/no-such-place/slipway2', 'shop-1')]]), []],
  ['a process that only mentions it', at([[A, B, `less ${data.root}/agent/instances/shop-1/log`]]), []],
  ['what a wrapper has started', at([[A, B, wrapper(data.root, 'shop-1')]]), []],
  ['a role of another data directory', at([[A, A, 'node /x/src/embedded/router-process.ts']]), []],
])('left: %s', async (_, where, expected) => {
  const { roles, groups } = await findLeftovers(where);
  expect(roles).toEqual([]);
  expect(groups.map(({ id, identity }) => `${id} ${identity.pid}`)).toEqual(expected);
});

const claim = `${data.agent}/instances/shop-1/run/exit.pid`;
test.each<[string, Record<string, string>, boolean]>([
  ['its directory is gone', {}, true],
  ['its claim is another one', { [claim]: `${B}\n` }, true],
  ['its claim names it', { [claim]: `${A}\n` }, false],
])('whether a group is lost: %s', async (_, files, lost) => {
  const groups = await findLostGroups(at([[A, A, wrapper(data.root, 'shop-1')]], files));
  expect(groups.length).toBe(lost ? 1 : 0);
});
