import { expect, test } from 'vitest';
import { T0 } from '../../../test/support/release-fixture.ts';
import { type ApplicationStatus, statusText } from './status-text.ts';

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

test.each<[string, number | null, number | null, RegExp]>([
  ['measured', 55_574_528, 212, /serving +4000 +0 +53 MiB +212 ms +1/],
  ['not asked for', null, null, /serving +4000 +0 +- +- +1/],
  ['not measured yet', 0, 0, /serving +4000 +0 +- +- +1/],
])('memory and CPU: %s', (_, rssBytes, cpuMs, line) => {
  expect(statusText({ slipway, applications: [status(rssBytes, cpuMs)] }, T0).at(-1)).toMatch(line);
});
