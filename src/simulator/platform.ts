import type { AgentGateway } from '../execution/gateway.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type AgentGround, runAgent } from './agent-process.ts';
import { type DiskFaults, SimulatedDisk } from './disk.ts';
import { type ForeignOrder, ForeignOrders } from './foreign-orders.ts';
import { type CallFaults, Life } from './life.ts';
import { type LinkFaults, LinkNetwork } from './link-network.ts';
import { type ManagerGround, runManager } from './manager-process.ts';
import { NodeClock } from './node-clock.ts';
import type { StoreFaults } from './node-store.ts';
import type { SeededRandom } from './seeded-random.ts';
import { traceLog } from './trace-log.ts';

const AGENT_DIRECTORY = '/agent';
/** Of an agent that belongs to another version of the platform. */
const OTHER_VERSION = '0.2.0';

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

export interface PlatformOptions extends ManagerGround, Omit<AgentGround, 'disk'> {
  readonly random: SeededRandom;
  readonly faults: ChanceFaults;
  readonly epochMs: number;
  /** The words are made only where somebody reads them. */
  trace(node: string, text: () => string): void;
  /** A frame was handed to the way between the two: by whom, and of which version the agent is. */
  sent(from: Role, text: string, version: string): void;
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
  readonly clocks: Readonly<Record<Role, NodeClock>>;
  faults: ChanceFaults;
  readonly deaths: Record<Role, number> = { manager: 0, agent: 0 };
  readonly #options: PlatformOptions;
  /** Of every agent that ever lived. */
  readonly #versions = new Map<Life, string>();
  readonly #orders = new ForeignOrders();
  #foreign: { readonly what: ForeignOrder; readonly pick: number } | null = null;
  #lives = 0;
  #newest: Life | null = null;

  constructor(options: PlatformOptions) {
    this.#options = options;
    const { timeline, random, faults, tally, epochMs } = options;
    this.faults = faults;
    this.clocks = { manager: new NodeClock(timeline, epochMs), agent: new NodeClock(timeline, epochMs) };
    this.links = new LinkNetwork(timeline, random.split('links'), faults.link, tally);
    this.links.onSend = (life, text, to) => {
      const version = this.#versions.get(life) ?? this.#versions.get(to) ?? '';
      options.sent(this.#versions.has(life) ? 'agent' : 'manager', text, version);
    };
    this.links.forge = (text) => this.#forge(text);
    this.disk = new SimulatedDisk(random.split('disk'), faults.disk, tally);
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
    if (faults === NO_CHANCE_FAULTS) this.#foreign = null;
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

  /** Beside the agent one of another version, with a memory of its own, dials the same manager. */
  addOtherAgent(ms: number): void {
    const life = this.#life('agent');
    this.#runAgent(life, OTHER_VERSION, `${AGENT_DIRECTORY}-${OTHER_VERSION}`);
    this.#options.timeline.after(ms, () => life.kill());
  }

  /** Behind the next order that gives occasion comes one that somebody else sends. */
  sendForeignOrder(what: ForeignOrder, pick: number): void {
    this.#foreign = { what, pick };
  }

  #forge(text: string): string[] {
    if (!text.startsWith('{"type":"order"')) return [];
    const { what, pick } = this.#foreign ?? {};
    const forged = what === undefined ? null : this.#orders.behind(text, what, pick ?? 0);
    this.#orders.remember(text);
    if (forged === null) return [];
    this.#foreign = null;
    this.#options.tally.add(`order that is ${what}`);
    return [forged];
  }

  #life(role: Role): Life {
    const { timeline, random, tally } = this.#options;
    const number = this.#lives++;
    const platform = this;
    return new Life({
      name: `${role}-${number}`,
      ...{ timeline, tally },
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
      clock: this.clocks[role],
    });
  }

  #startManager(): void {
    const { timeline, random } = this.#options;
    const life = this.#life('manager');
    this.#newest = life;
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
    runManager(this.#options, {
      ...{ life, faults, log: this.#log(life.name) },
      random: random.split(`store/${life.name}`),
      begun: (gateway) => {
        if (life.alive) this.manager = { life, gateway };
      },
    });
  }

  #startAgent(): void {
    const { timeline, version } = this.#options;
    const life = this.#life('agent');
    this.agent = life;
    life.onDeath(() => {
      this.deaths.agent += 1;
      timeline.after(this.#restartMs(), () => this.#startAgent());
    });
    this.#runAgent(life, version, AGENT_DIRECTORY);
  }

  #runAgent(life: Life, version: string, dataDirectory: string): void {
    this.#versions.set(life, version);
    this.#options.trace(life.name, () => `starts, version ${version}`);
    life.onDeath(() => this.#options.trace(life.name, () => 'dies'));
    runAgent(
      { ...this.#options, disk: this.disk },
      {
        ...{ life, version, dataDirectory, log: this.#log(life.name) },
        random: this.#options.random.split(`agent/${life.name}`),
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
      },
    ).catch((error: unknown) => {
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
    return traceLog((text) => this.#options.trace(node, text));
  }
}
