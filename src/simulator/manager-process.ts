import { startControllers } from '../controllers/controllers.ts';
import { type AgentGateway, createGateway } from '../execution/gateway.ts';
import type { Log } from '../lib/log.ts';
import type { MemoryStore } from '../store/memory/memory-store.ts';
import type { RetentionPolicy } from '../store/retention.ts';
import { keepRetention } from '../store/retention-runner.ts';
import type { Store } from '../store/store.ts';
import type { SimulatedArtifacts } from './artifacts.ts';
import type { FaultTally } from './fault-tally.ts';
import type { Life } from './life.ts';
import { nodeStore, type StoreFaults } from './node-store.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

/** Between two looks at what may go, ms. */
const RETENTION_MS = 15_000;

/** What managers stand on; it outlives them. */
export interface ManagerGround {
  readonly timeline: Timeline;
  readonly store: MemoryStore;
  readonly artifacts: SimulatedArtifacts;
  /** How long what is finished stays; null: nothing is collected. */
  readonly retention: RetentionPolicy | null;
  readonly tally: FaultTally;
  readonly version: string;
}

/** One life of a manager: gateway, controllers and retention, as the manager's process composes them. */
export function runManager(
  ground: ManagerGround,
  options: {
    life: Life;
    log: Log;
    faults: StoreFaults;
    random: SeededRandom;
    begun(gateway: AgentGateway): void;
  },
): void {
  const { timeline, tally, version } = ground;
  const { life, log, faults, random } = options;
  const store = nodeStore(ground.store, life, { ...{ faults, timeline, tally }, random });
  const gateway = createGateway({ store, clock: life.clock, log, version });
  options.begun(gateway);
  startControllers({ store, gateway, clock: life.clock, log, version });
  collect(ground, store, life, log);
}

function collect({ artifacts, retention, tally }: ManagerGround, store: Store, life: Life, log: Log): void {
  if (retention === null) return;
  void keepRetention({
    ...{ store, artifacts: artifacts.of(life), clock: life.clock, policy: retention },
    intervalMs: RETENTION_MS,
    // It ends with its process: what that still waits for never comes.
    signal: new AbortController().signal,
    onPass: ({ objects, artifacts: collected }) => {
      for (let n = 0; n < objects; n += 1) tally.add('object collected');
      for (let n = 0; n < collected; n += 1) tally.add('artifact collected');
    },
    onError: (error) => log.warn('what is finished could not be cleared away', { error }),
  });
}
