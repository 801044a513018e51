import type { Receipt } from '../../../src/api/execution.ts';
import { API_VERSION } from '../../../src/api/meta.ts';
import type { Command, Release, Verb } from '../../../src/api/release.ts';
import type { Track } from '../../../src/api/revision.ts';
import { startControllers } from '../../../src/controllers/controllers.ts';
import { hasEnded } from '../../../src/engine/release/state.ts';
import { instant, systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { eventually } from '../../support/eventually.ts';
import { VERSION } from '../../support/execution-orders.ts';
import { type Bench, withBench } from '../agent/harness.ts';

const digest = (n: number) => `shop@sha256:${String(n).padStart(64, '0')}`;

export interface Desk {
  readonly bench: Bench;
  readonly planner: ReturnType<typeof startControllers>['planner'];
  apply(version: number, more?: Record<string, unknown>): Promise<void>;
  command(
    verb: Verb,
    target: { kind: 'Release' | 'Application'; name: string },
    parameters?: Record<string, unknown>,
    why?: string,
  ): Promise<NonNullable<Command['status']>>;
  release(name: string): Promise<Release | undefined>;
  ended(name: string): Promise<Release>;
  track(): Promise<NonNullable<Track['status']>>;
  receipt(name: string): Promise<Receipt['spec']>;
  restart(): Promise<void>;
}

/** Real controllers, store, gateway and agent; only the cluster is a model. */
export async function withControllers(
  run: (desk: Desk) => Promise<void>,
  environment: Record<string, unknown> = {},
): Promise<void> {
  await withBench(async (bench) => {
    const { store } = bench;
    const start = () =>
      startControllers({
        store,
        gateway: bench.gateway(),
        clock: systemClock(),
        log: silentLog,
        version: VERSION,
      });
    let controllers = start();
    const where = { namespace: 'default' };
    await store.create({
      apiVersion: API_VERSION,
      kind: 'Environment',
      metadata: { name: 'local', ...where },
      spec: { clusters: ['local'], ...environment },
    });
    await bench.agent();
    let made = 0;
    const desk: Desk = {
      bench,
      get planner() {
        return controllers.planner;
      },
      async apply(version, more = {}) {
        const spec = {
          workload: {
            artifact: digest(version),
            command: ['node', 'server.js'],
            port: {},
            replicas: 6,
            readiness: { http: { path: '/' } },
          },
          routes: [{ host: 'shop.localhost' }],
          ...more,
        };
        const key = { kind: 'Application', name: 'shop', ...where };
        const stored = await store.get(key);
        if (stored === undefined)
          await store.create({
            apiVersion: API_VERSION,
            kind: 'Application',
            metadata: { name: 'shop', ...where, finalizers: ['slipway.dev/drain'] },
            spec,
          });
        else await store.update({ ...stored, spec });
      },
      async command(verb, target, parameters = {}, why) {
        made += 1;
        const name = `command-${made}`;
        await store.create<Command>({
          apiVersion: API_VERSION,
          kind: 'Command',
          metadata: { name, ...where },
          spec: {
            verb,
            target,
            by: 'dana',
            roles: ['releaser'],
            at: instant(Date.now()),
            why: why ?? null,
            parameters,
          },
        });
        return eventually(`${verb} to be answered`, async () => {
          const command = await store.get<Command>({ kind: 'Command', name, ...where });
          return command?.status === undefined || command.status.state === 'pending'
            ? undefined
            : command.status;
        });
      },
      release: (name) => store.get<Release>({ kind: 'Release', name, ...where }),
      ended: (name) =>
        eventually(`${name} to end`, async () => {
          const release = await store.get<Release>({ kind: 'Release', name, ...where });
          return release?.status !== undefined &&
            hasEnded(release.status.phase) &&
            release.status.receipt !== null
            ? (release as Release)
            : undefined;
        }),
      async track() {
        const track = await store.get<Track>({ kind: 'Track', name: 'shop-local', ...where });
        if (track?.status === undefined) throw new Error('no track yet');
        return track.status;
      },
      async receipt(name) {
        const receipt = await store.get<Receipt>({ kind: 'Receipt', name, ...where });
        if (receipt === undefined) throw new Error(`no receipt ${name}`);
        return receipt.spec;
      },
      async restart() {
        await controllers.stop();
        controllers = start();
      },
    };
    try {
      await run(desk);
    } finally {
      await controllers.stop();
    }
  });
}
