import { describe, it } from 'vitest';
import { RouteSpec } from '../api/application.ts';
import { adapterConformance, adoptionConformance } from '../drivers/conformance/adapter-conformance.ts';
import {
  type AdapterUnderTest,
  type Behaviour,
  Bench,
  type HeldRequest,
} from '../drivers/conformance/base-conformance.ts';
import { PREVIEW_HEADER } from '../router/table.ts';
import { SimulatedCluster } from './cluster.ts';
import { FaultTally } from './fault-tally.ts';
import type { Inside } from './instance.ts';
import { Ledger } from './ledger.ts';
import { GOOD_PROGRAM, PROGRAM_VARIABLE, type Program, Programs } from './program.ts';
import { EPOCH_MS, VirtualTime } from './virtual-time-conformance.ts';

/** Longer than any case: a request that is held ends when the case lets it go. */
const HELD_MS = 3_600_000;
const GOOD: Program = { ...GOOD_PROGRAM, slowMs: 10 * HELD_MS, streamMs: 10 * HELD_MS };
const PROGRAMS: Readonly<Record<Behaviour, Program>> = {
  good: GOOD,
  crashesAtStart: { ...GOOD, crashesAtStart: true },
  neverReady: { ...GOOD, startMs: Number.POSITIVE_INFINITY },
  answersItsProbeOnly: { ...GOOD, serveMs: Number.POSITIVE_INFINITY },
  jobThatSucceeds: { ...GOOD, job: { ms: 300, exitCode: 0 } },
  jobThatFails: { ...GOOD, job: { ms: 300, exitCode: 3 } },
};

/** The model of a cluster as one process holds it. */
function simulatedAdapter(time: VirtualTime): AdapterUnderTest {
  const programs = new Programs();
  for (const [name, program] of Object.entries(PROGRAMS)) programs.add(name, program);
  const cluster = new SimulatedCluster({
    ...{ timeline: time.timeline, programs, ledger: new Ledger(), epochMs: EPOCH_MS },
    random: time.random.split('cluster'),
    plane: { lagMs: 0, outOfOrder: 0 },
    tally: new FaultTally(),
  });
  const service = { namespace: 'default', application: 'shop', environment: 'local', workload: 'shop' };
  const instances = () => [...cluster.workloads.values()].flatMap((workload) => workload.instances);
  const inside = () => instances().flatMap((instance) => [...instance.inside]);
  let life = time.life('agent-0');
  let [driver, router] = [cluster.driver(life), cluster.trafficRouter(life)];
  return {
    get driver() {
      return driver;
    },
    get router() {
      return router;
    },
    service,
    route: RouteSpec.parse({ host: 'shop.localhost' }),
    spec: (version, behaviour) => ({
      name: 'shop',
      type: behaviour.startsWith('job') ? 'migration' : 'service',
      command: ['node', 'app.mjs'],
      ...(behaviour.startsWith('job') ? {} : { port: { env: 'PORT' } }),
      env: { [PROGRAM_VARIABLE]: behaviour, VERSION: version },
      readiness: {
        http: { path: '/healthz', expectStatus: [200] },
        ...{ interval: '50ms', timeout: '1s', failureThreshold: 2, startTimeout: '30s' },
      },
      drain: { timeout: '20s', streamTimeout: '20s', grace: '20s' },
    }),
    ask: (headers = {}) => {
      // The model has no headers: previews are a call of their own, and nothing else may reach one.
      if (PREVIEW_HEADER in headers) throw new Error('a preview is asked through the port');
      return new Promise((resolve) => {
        cluster.requests.start(service, 'request', ({ version, cause }) =>
          time.timeline.after(0, () => resolve(cause === null ? version : null)),
        );
      });
    },
    hold: async (kind): Promise<HeldRequest> => {
      const before = new Set<Inside>(inside());
      const outcome = new Promise<'answered' | 'failed'>((resolve) => {
        cluster.requests.start(service, kind === 'stream' ? 'stream' : 'slow', ({ cause }) =>
          time.timeline.after(0, () => resolve(cause === null ? 'answered' : 'failed')),
        );
      });
      const mine = inside().find((request) => !before.has(request));
      return { outcome, letGo: async () => mine?.endWell() };
    },
    killInstance: async (id) =>
      instances()
        .find((instance) => instance.id === id)
        ?.die(null),
    restartAdapter: async (meanwhile = async () => {}) => {
      life.kill();
      await meanwhile();
      life = time.life('agent-1');
      [driver, router] = [cluster.driver(life), cluster.trafficRouter(life)];
    },
    until: (what, look, timeoutMs) => time.until(what, look, timeoutMs),
  };
}

describe('SimulatedCluster', () => {
  it.each([...adapterConformance, ...adoptionConformance])('$name', async ({ name, run }) => {
    const time = new VirtualTime(name);
    await time.run(() => run(new Bench(simulatedAdapter(time))));
  });
});
