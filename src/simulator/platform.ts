import { startAgent } from '../agent/agent.ts';
import { startControllers } from '../controllers/controllers.ts';
import { type AgentGateway, createGateway } from '../execution/gateway.ts';
import { inlineExpressions } from '../gates/expressions.ts';
import { messageOf } from '../lib/errors.ts';
import { type Log, silentLog } from '../lib/log.ts';
import type { RunCommand } from '../lib/processes.ts';
import type { MemoryStore } from '../store/memory/memory-store.ts';
import type { SimulatedCluster } from './cluster.ts';
import { type DiskFaults, SimulatedDisk } from './disk.ts';
import { type CallFaults, type ClockFaults, Life } from './life.ts';
import { type LinkFaults, LinkNetwork } from './link-network.ts';
import { nodeStore, type StoreFaults } from './node-store.ts';
import { ENTRY, type OutsideService, resolveHost, simulatedNetwork, simulatedProcesses } from './outside.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

export type Role = 'manager' | 'agent';

/** Faults that calls and connections meet by chance. */
export interface ChanceFaults {
  readonly call: CallFaults;
  readonly store: StoreFaults;
  readonly disk: DiskFaults;
  readonly link: LinkFaults;
}

export const NO_CHANCE_FAULTS: ChanceFaults = {
  call: { crash: 0, slow: 0, pause: 0 },
  store: { unavailable: 0, answerLost: 0, gone: 0, lateWatch: 0 },
  disk: { full: 0, sync: 0 },
  link: { reset: 0, halfOpen: 0, duplicate: 0, slow: 0, dialRefused: 0 },
};

export interface PlatformOptions {
  readonly timeline: Timeline;
  readonly random: SeededRandom;
  readonly store: MemoryStore;
  readonly cluster: SimulatedCluster;
  readonly services: ReadonlyMap<string, OutsideService>;
  readonly commands: ReadonlyMap<string, OutsideService>;
  readonly faults: ChanceFaults;
  readonly epochMs: number;
  readonly version: string;
  /** The words are made only where somebody reads them. */
  trace(node: string, text: () => string): void;
  /** A command of a gate was started. */
  ran(command: RunCommand): void;
  /** A frame was handed to the way between the two, by whom. */
  sent(from: Role, text: string): void;
}

interface Manager {
  readonly life: Life;
  readonly gateway: AgentGateway;
}

/**
 * Manager and agent as embedded mode composes them, each a process that a supervisor starts again after its
 * death. The store and the agent's disk outlive them. Here alone the real code meets the simulated ports.
 */
export class Platform {
  readonly links: LinkNetwork;
  readonly disk: SimulatedDisk;
  manager: Manager | null = null;
  agent: Life | null = null;
  /** Managers that were given up for dead and go on: nothing they do may break a promise. */
  readonly zombies: Life[] = [];
  readonly clocks: Record<Role, ClockFaults> = {
    manager: { offsetMs: 0, rate: 1 },
    agent: { offsetMs: 0, rate: 1 },
  };
  faults: ChanceFaults;
  readonly deaths: Record<Role, number> = { manager: 0, agent: 0 };
  readonly #options: PlatformOptions;
  #lives = 0;
  #newest: Life | null = null;

  constructor(options: PlatformOptions) {
    this.#options = options;
    this.faults = options.faults;
    this.links = new LinkNetwork(options.timeline, options.random.split('links'), options.faults.link);
    this.links.onSend = (life, text) => options.sent(life === this.agent ? 'agent' : 'manager', text);
    this.disk = new SimulatedDisk(options.random.split('disk'), options.faults.disk);
  }

  start(): void {
    this.#startManager();
    this.#startAgent();
  }

  /** Faults of calls that begin from now on. */
  setFaults(faults: ChanceFaults): void {
    this.faults = faults;
    this.links.faults = faults.link;
    this.disk.faults = faults.disk;
  }

  lifeOf(role: Role): Life | null {
    return role === 'manager' ? (this.manager?.life ?? null) : this.agent;
  }

  kill(role: Role): void {
    this.lifeOf(role)?.kill();
  }

  pause(role: Role, ms: number): void {
    this.lifeOf(role)?.pause(ms);
  }

  /** A second manager beside one that does not know that it is replaced. */
  duplicateManager(): void {
    const { manager } = this;
    if (manager === null || !manager.life.alive) return;
    this.zombies.push(manager.life);
    this.#startManager();
  }

  #life(role: Role): Life {
    const { timeline, random, epochMs } = this.#options;
    const number = this.#lives++;
    const platform = this;
    return new Life({
      name: `${role}-${number}`,
      timeline,
      random: random.split(`life/${number}`),
      // Read at each call, so that faults can end while the process lives.
      faults: {
        get crash() {
          return platform.faults.call.crash;
        },
        get slow() {
          return platform.faults.call.slow;
        },
        get pause() {
          return platform.faults.call.pause;
        },
      },
      epochMs,
      clock: this.clocks[role],
    });
  }

  #startManager(): void {
    const { timeline, random, store, version } = this.#options;
    const life = this.#life('manager');
    this.#newest = life;
    const log = this.#log(life.name);
    const platform = this;
    const faults: StoreFaults = {
      get unavailable() {
        return platform.faults.store.unavailable;
      },
      get answerLost() {
        return platform.faults.store.answerLost;
      },
      get gone() {
        return platform.faults.store.gone;
      },
      get lateWatch() {
        return platform.faults.store.lateWatch;
      },
    };
    this.#options.trace(life.name, () => 'starts');
    // Before anything of it runs: it may die at its very first call.
    life.onDeath(() => {
      this.deaths.manager += 1;
      this.#options.trace(life.name, () => 'dies');
      // One that was replaced while it lived on is not started again.
      if (this.#newest !== life) return;
      this.manager = null;
      timeline.after(this.#restartMs(), () => {
        if (this.#newest === life) this.#startManager();
      });
    });
    const own = nodeStore(store, life, { faults, random: random.split(`store/${life.name}`), timeline });
    const gateway = createGateway({ store: own, clock: life.clock, log, version });
    const manager = { life, gateway };
    if (life.alive) this.manager = manager;
    startControllers({ store: own, gateway, clock: life.clock, log, version });
  }

  #startAgent(): void {
    const { timeline, random, cluster, services, commands, version } = this.#options;
    const life = this.#life('agent');
    const log = this.#log(life.name);
    this.agent = life;
    this.#options.trace(life.name, () => 'starts');
    life.onDeath(() => {
      this.deaths.agent += 1;
      this.#options.trace(life.name, () => 'dies');
      timeline.after(this.#restartMs(), () => this.#startAgent());
    });
    const own = random.split(`agent/${life.name}`);
    startAgent({
      managerUrl: 'https://manager.simulated',
      token: 'token',
      dataDirectory: '/agent',
      driver: cluster.driver(life),
      trafficRouter: cluster.trafficRouter(life),
      network: simulatedNetwork({ life, timeline, random: own.split('network'), cluster, services }),
      processes: simulatedProcesses({
        life,
        timeline,
        random: own.split('processes'),
        commands,
        ran: this.#options.ran,
      }),
      files: this.disk.files(life),
      clock: life.clock,
      random: own,
      log,
      version,
      cluster: 'local',
      entry: [ENTRY],
      expressions: inlineExpressions,
      resolve: resolveHost,
      dial: (events, signal) => {
        const { manager } = this;
        return this.links.dial(
          { life, events },
          manager === null
            ? undefined
            : { life: manager.life, accept: (open) => manager.gateway.attachLink(open, {}) },
          signal,
        );
      },
    }).catch((error: unknown) => {
      if (life.alive) this.#options.trace(life.name, () => `cannot start: ${messageOf(error)}`);
      this.startFailures.push(messageOf(error));
      life.kill();
    });
  }

  /** Why an agent could not start: a journal that does not read is a lost promise. */
  readonly startFailures: string[] = [];

  #restartMs(): number {
    const { random } = this.#options;
    return random.chance(0.1) ? random.between(5_000, 60_000) : random.between(50, 1_500);
  }

  #log(node: string): Log {
    const say = (level: string) => (message: string, fields?: object) =>
      this.#options.trace(
        node,
        () => `${level}: ${message}${fields === undefined ? '' : ` ${words(fields)}`}`,
      );
    const log: Log = {
      ...silentLog,
      info: say('info'),
      warn: say('warn'),
      error: say('error'),
      child: () => log,
    };
    return log;
  }
}

const words = (fields: object): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${value instanceof Error ? messageOf(value) : JSON.stringify(value)}`)
    .join(' ');
