import type { Fence, ServiceKey } from '../../drivers/cluster-driver.ts';
import type { CommandOutcome, RunCommand } from '../../lib/processes.ts';
import type { ClusterEffect } from '../cluster-effect.ts';
import type { Life } from '../life.ts';
import type { NodeClock } from '../node-clock.ts';
import type { Written } from '../observed-store.ts';
import type { Role } from '../platform.ts';
import { DoneRules } from './done-rules.ts';
import { FailureRules } from './failure-rules.ts';
import { GateRules } from './gate-rules.ts';
import { InstanceRules } from './instance-rules.ts';
import { JournalRules } from './journal-rules.ts';
import { KeptRules } from './kept-rules.ts';
import { LeaseRules } from './lease-rules.ts';
import { OnceRules } from './once-rules.ts';
import { ReleaseRules } from './release-rules.ts';
import type { World } from './rule.ts';
import { TrackRules } from './track-rules.ts';
import { TrafficRules } from './traffic-rules.ts';
import { VersionRules } from './version-rules.ts';
import { WireRules } from './wire-rules.ts';

/** What the rules look at beside the world. */
export interface Witness {
  readonly agentClock: NodeClock;
  agent(): Life | null;
  /** As it is on the agent's disk. */
  journal(): Buffer | undefined;
}

/** Every rule that is looked at while a run goes on, told of what happens in its order. */
export class Rules {
  readonly release: ReleaseRules;
  readonly traffic: TrafficRules;
  readonly kept: KeptRules;
  readonly #versions: VersionRules;
  readonly #journal: JournalRules;
  readonly #once: OnceRules;
  readonly #lease: LeaseRules;
  readonly #tracks: TrackRules;
  readonly #wire: WireRules;
  readonly #gates: GateRules;
  readonly #failures: FailureRules;
  readonly #instances: InstanceRules;
  readonly #done: DoneRules;

  constructor(world: World, witness: Witness) {
    const journal = () => witness.journal();
    this.release = new ReleaseRules(world);
    this.traffic = new TrafficRules(world);
    this.kept = new KeptRules(world);
    this.#versions = new VersionRules(world);
    this.#journal = new JournalRules(world, journal);
    this.#once = new OnceRules(world, journal);
    this.#lease = new LeaseRules(world, witness.agentClock, () => witness.agent());
    this.#tracks = new TrackRules(world);
    this.#wire = new WireRules(world);
    this.#gates = new GateRules(world);
    this.#failures = new FailureRules(world);
    this.#instances = new InstanceRules(world);
    this.#done = new DoneRules(world);
  }

  written(written: Written): void {
    this.release.seen(written);
    this.#tracks.written(written);
    this.#once.written(written);
    this.kept.written(written);
    this.#gates.written(written);
    this.#failures.written(written);
    this.#done.written(written);
  }

  effect(effect: ClusterEffect, fence: Fence | null): void {
    this.traffic.effect(effect, fence);
    this.#versions.effect(effect, fence);
    this.#once.effect(effect, fence);
    this.#lease.effect(effect, fence);
    this.#tracks.effect(fence);
    this.#wire.effect(fence);
    this.#gates.effect(fence);
    this.#instances.effect(effect, fence);
  }

  proof(service: ServiceKey): void {
    this.traffic.proof(service);
  }

  port(port: number, what: 'taken' | 'left'): void {
    this.#instances.port(port, what);
  }

  sent(from: Role, text: string, version: string): void {
    this.#journal.sent(from, text);
    this.#wire.sent(from, text, version);
  }

  heard(life: Life, text: string): void {
    this.#lease.heard(life, text);
  }

  ran(command: RunCommand): (outcome: CommandOutcome) => void {
    this.#lease.ran(command.argv[0] ?? '');
    return this.#once.ran(command);
  }

  artifactRemoved(digest: string): void {
    this.kept.artifactRemoved(digest);
  }

  /** At rest. */
  end(): void {
    this.#tracks.end();
  }

  look(): void {
    this.traffic.look();
    this.#versions.look();
  }
}
