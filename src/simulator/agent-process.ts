import { startAgent } from '../agent/agent.ts';
import { inlineExpressions } from '../gates/expressions.ts';
import type { Log } from '../lib/log.ts';
import type { CommandOutcome, RunCommand } from '../lib/processes.ts';
import type { SimulatedCluster } from './cluster.ts';
import type { SimulatedDisk } from './disk.ts';
import type { Life } from './life.ts';
import { ENTRY, type OutsideService, resolveHost, simulatedNetwork, simulatedProcesses } from './outside.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

/** What the agents of one machine stand on; it outlives them. */
export interface AgentGround {
  readonly timeline: Timeline;
  readonly cluster: SimulatedCluster;
  readonly disk: SimulatedDisk;
  readonly services: ReadonlyMap<string, OutsideService>;
  readonly commands: ReadonlyMap<string, OutsideService>;
  /** A command of a gate was started; call what is returned when the agent knows how it ended. */
  ran(command: RunCommand): (outcome: CommandOutcome) => void;
}

/** One life of an agent: the real one over simulated ports. Rejects when it cannot start. */
export async function runAgent(
  ground: AgentGround,
  options: {
    life: Life;
    log: Log;
    version: string;
    dataDirectory: string;
    random: SeededRandom;
    dial: Parameters<typeof startAgent>[0]['dial'];
  },
): Promise<void> {
  const { timeline, cluster, disk, services, commands, ran } = ground;
  const { life, random } = options;
  await startAgent({
    managerUrl: 'https://manager.simulated',
    token: 'token',
    dataDirectory: options.dataDirectory,
    driver: cluster.driver(life),
    trafficRouter: cluster.trafficRouter(life),
    network: simulatedNetwork({ life, timeline, random: random.split('network'), cluster, services }),
    processes: simulatedProcesses({ life, timeline, random: random.split('processes'), commands, ran }),
    files: disk.files(life),
    clock: life.clock,
    random,
    log: options.log,
    version: options.version,
    cluster: 'local',
    entry: [ENTRY],
    expressions: inlineExpressions,
    resolve: resolveHost,
    ...(options.dial === undefined ? {} : { dial: options.dial }),
  });
}
