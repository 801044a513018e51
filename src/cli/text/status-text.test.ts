import { expect, test } from 'vitest';
import {
  releaseFixture,
  STAGE_1_DONE,
  STAGE_2_DONE,
  STAGE_3_DONE,
  T0,
} from '../../../test/support/release-fixture.ts';
import type { ReleaseStatus } from '../../api/release.ts';
import { type ApplicationStatus, changeLines, queueLines, statusText } from './status-text.ts';

const status = (rssBytes: number | null, cpuMs: number | null): ApplicationStatus =>
  ({
    application: 'shop',
    track: { spec: { environment: 'local' }, status: { live: 'shop-local-r1', hold: null } },
    release: null,
    workloads: [
      {
        key: { version: 'shop-r1' },
        problem: null,
        instances: [
          {
            id: 'shop-r1-0',
            state: 'ready',
            admitted: true,
            port: 4000,
            restarts: 0,
            rssBytes,
            cpuMs,
            startedAt: new Date(T0 - 1_000).toISOString(),
          },
        ],
      },
    ],
    problem: null,
  }) as unknown as ApplicationStatus;
const slipway = { version: '1', data: '/d', supervisor: null, manager: null, problem: null };

test('what a release brings has no source beside it: that is of what is live', () => {
  const application = {
    ...status(null, null),
    source: 'dist',
    release: releaseFixture({ stages: [STAGE_1_DONE, STAGE_2_DONE] }),
  };
  const said = statusText({ slipway, applications: [application] }, T0).join('\n');
  expect(said).toContain('shop in local · r1 (dist) and r2 serve · release');
});

test.each<[string, ReleaseStatus['stages'], RegExp[]]>([
  [
    'waits at its end after the flip',
    [STAGE_1_DONE, STAGE_2_DONE, { ...STAGE_3_DONE, state: 'waiting' }],
    [/shop in local · r2 serves · release/, /shop-r1 +0 % +shop-r1-0 +ready/, /shop-r2 +100 % .*serving/],
  ],
  [
    'is between two versions',
    [STAGE_1_DONE, STAGE_2_DONE],
    [/shop in local · r1 and r2 serve · release/, /shop-r1 +33 % .*serving/, /shop-r2 +67 % .*serving/],
  ],
  ['has not flipped yet', [STAGE_1_DONE], [/shop in local · r1 serves · release/, /shop-r2 +0 % .*ready/]],
])('a release that %s: what has a share serves', (_, stages, lines) => {
  const [workload] = status(null, null).workloads;
  const application = {
    ...status(null, null),
    release: releaseFixture({ stages }),
    workloads: ['shop-r1', 'shop-r2'].map((version) => ({ ...workload, key: { version } })),
  } as unknown as ApplicationStatus;
  const said = statusText({ slipway, applications: [application] }, T0).join('\n');
  for (const line of lines) expect(said).toMatch(line);
});

test.each<[string, number | null, number | null, RegExp]>([
  ['measured', 55_574_528, 212, /serving +4000 +0 +53 MiB +212 ms +1/],
  ['not asked for', null, null, /serving +4000 +0 +- +- +1/],
  ['not measured yet', 0, 0, /serving +4000 +0 +- +- +1/],
])('memory and CPU: %s', (_, rssBytes, cpuMs, line) => {
  expect(statusText({ slipway, applications: [status(rssBytes, cpuMs)] }, T0).at(-1)).toMatch(line);
});

test.each<[string, Record<string, unknown>, RegExp | null]>([
  [
    'waits',
    { state: 'waiting' },
    /change abcdef \(shop 6 → 8 instances\) waits for the approval of anyone with role releaser: slipway approve shop -e production$/,
  ],
  [
    'was rejected',
    { state: 'rejected', by: 'erin' },
    /was rejected by erin: slipway approve shop -e production$/,
  ],
  ['was approved', { state: 'approved', by: 'erin' }, null],
])('a change in place that %s', (_, more, line) => {
  const change = {
    digest: 'abcdef0123',
    summary: 'shop 6 → 8 instances',
    who: 'releaser',
    by: null,
    ...more,
  };
  const track = {
    spec: { application: 'shop', environment: 'production' },
    status: { active: null, live: 'shop-production-r1', hold: null, change },
  } as unknown as Parameters<typeof changeLines>[0];
  const said = changeLines(track);
  if (line === null) expect(said).toEqual([]);
  else expect(said.join()).toMatch(line);
});

const instance = (port: number | null, admitted: boolean, state = 'ready') => ({
  ...{ id: 'i', state, admitted, port, restarts: 0, rssBytes: null, cpuMs: null },
  startedAt: new Date(T0).toISOString(),
});
const applicationOf = (workloads: readonly object[], track: object = {}): ApplicationStatus =>
  ({
    ...status(null, null),
    workloads: workloads.map((one) => ({ problem: null, ...one })),
    track: {
      spec: { environment: 'local' },
      status: {
        live: 'shop-local-r2',
        hold: null,
        warm: [{ revision: 'shop-local-r1' }],
        standing: { inPlace: '', routes: [{ path: '/', workload: 'web' }] },
        queue: [],
        ...track,
      },
    },
  }) as unknown as ApplicationStatus;
const web = (revision: number, ...instances: object[]) => ({
  key: { workload: 'web', version: `web-r${revision}` },
  instances,
});

test.each<[string, ApplicationStatus, RegExp]>([
  [
    'a warm revision serves nobody',
    applicationOf([web(1, instance(4000, true)), web(2, instance(4001, true))]),
    /web-r1 +- +i +warm[\s\S]*web-r2 +100 % +i +serving/,
  ],
  [
    'a worker has no share of the traffic',
    applicationOf([
      web(2, instance(4001, true)),
      { key: { workload: 'jobs', version: 'jobs-r2' }, instances: [instance(null, false)] },
    ]),
    /jobs-r2 +- +i +ready/,
  ],
  [
    'a service without a route neither',
    applicationOf([
      web(2, instance(4001, true)),
      { key: { workload: 'inner', version: 'inner-r2' }, instances: [instance(4002, true)] },
    ]),
    /inner-r2 +- +i +ready/,
  ],
  [
    'what is live and only starts is not said to serve',
    applicationOf([web(2, instance(4001, false, 'starting'), instance(4002, false, 'starting'))]),
    /^shop in local · r2 is live, and no instance of it answers yet$/m,
  ],
  [
    'what is live is said with where it came from',
    { ...applicationOf([web(2, instance(4001, true))]), source: 'dist' },
    /^shop in local · r2 \(dist\) serves$/m,
  ],
  [
    'one instance that answers is enough to serve',
    applicationOf([web(2, instance(4001, true), instance(4002, false, 'starting'))]),
    /^shop in local · r2 serves$/m,
  ],
])('instances: %s', (_, application, line) => {
  expect(statusText({ slipway, applications: [application] }, T0).join('\n')).toMatch(line);
});

test.each<[string, boolean | undefined, RegExp]>([
  [
    'on this machine',
    true,
    /^! Slipway 1 is partly up\n {2}the supervisor does not answer; the router starts a new one/,
  ],
  ['on another one', false, /^✓ Slipway 1 is up$/m],
  ['as an older command told it', undefined, /^✓ Slipway 1 is up$/m],
])('a manager without a supervisor %s', (_, local, line) => {
  const manager = { version: '1', node: 'v26', clusters: [] } as unknown as NonNullable<
    Parameters<typeof statusText>[0]['slipway']['manager']
  >;
  const about = { ...slipway, manager, ...(local === undefined ? {} : { local }) };
  expect(statusText({ slipway: about, applications: [] }, T0).join('\n')).toMatch(line);
});

test.each<[string, object, string[]]>([
  ['nothing', { active: null, queue: [] }, []],
  [
    'one behind another, and one behind both',
    {
      active: { release: 'r1' },
      queue: [
        { release: 'r2', by: 'dana' },
        { release: 'r3', by: 'erin' },
      ],
    },
    [
      '  release r2 of dana is queued (slipway abort r2)',
      '  release r3 of erin is queued (slipway abort r3)',
    ],
  ],
  [
    'one that supersedes',
    { active: { release: 'r1' }, queue: [{ release: 'r2', by: 'dana', supersedes: true }] },
    ['  release r2 of dana supersedes r1 (slipway abort r2)'],
  ],
])('what waits behind a release: %s', (_, stands, lines) => {
  expect(queueLines({ status: stands } as unknown as Parameters<typeof queueLines>[0])).toEqual(lines);
});

test('what runs and belongs to no application is shown, with what can be done', () => {
  const unmanaged = [
    {
      ...{ namespace: 'default', application: 'old', environment: 'local', cluster: 'local', services: [] },
      workloads: [{ workload: 'old', version: 'old-r3', wanted: 2, ready: 1, problem: null }],
    },
  ];
  const manager = { version: '1', node: 'v26', clusters: [] } as unknown as NonNullable<
    Parameters<typeof statusText>[0]['slipway']['manager']
  >;
  const text = statusText({ slipway: { ...slipway, manager }, applications: [], unmanaged }, T0).join('\n');
  expect(text).toContain(
    '! old in local runs and belongs to no application here: old-r3 1 of 2\n  apply its file',
  );
});
