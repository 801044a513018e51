import type { GateRun } from '../../api/execution.ts';
import type { Gate } from '../../api/gate.ts';
import type { Stored } from '../../api/meta.ts';
import type { Release } from '../../api/release.ts';
import type { Revision } from '../../api/revision.ts';
import type { Fence } from '../../drivers/cluster-driver.ts';
import { PROTECTION_GATE } from '../../engine/plan/plan-release.ts';
import { getsTraffic } from '../../engine/strategies/stage-instructions.ts';
import type { Written } from '../observed-store.ts';
import { namesOfCommand, namesOfUrl, type OutsideService } from '../outside.ts';
import { releaseOf, type World } from './rule.ts';

const POSITIVE = new Set(['pass', 'skipped']);

/**
 * Only positive evidence passes (peers.md row 12): a release succeeds when each of its gates said yes or a person
 * passed it, no gate passes what can only fail, and in a protected environment nothing begins before a person's
 * word (INV-26).
 */
export class GateRules {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  written({ kind, object, before, deleted }: Written): void {
    if (deleted) return;
    if (kind === 'GateRun') this.#answered(object as Stored<GateRun>, before as Stored<GateRun> | undefined);
    if (kind !== 'Release') return;
    const was = (before as Stored<Release> | undefined)?.status?.phase;
    const release = object as Stored<Release>;
    if (release.status?.phase === 'Succeeded' && was !== 'Succeeded') this.#succeeded(release);
  }

  effect(fence: Fence | null): void {
    const release = releaseOf(this.#world, fence);
    if (release === undefined || release.spec.reason === 'rollback') return;
    const { spec, status, metadata } = release;
    if (this.#world.scenario.environments[spec.environment]?.protection.approval === undefined) return;
    const said = Object.entries(status?.verdicts ?? {}).some(
      ([run, { verdict, by }]) => run.endsWith(PROTECTION_GATE) && POSITIVE.has(verdict) && by !== 'clock',
    );
    if (!said)
      this.#world.violated('INV-26', `${metadata.name} acts in ${spec.environment} and nobody approved it`);
  }

  #succeeded({ metadata, spec, status }: Stored<Release>): void {
    const passed = new Set<string>();
    for (const object of this.#world.objects.values()) {
      if (object.kind !== 'GateRun') continue;
      const run = object as Stored<GateRun>;
      if (run.spec.release !== metadata.name) continue;
      const verdict = status?.verdicts[run.metadata.name]?.verdict ?? run.status?.verdict ?? '';
      if (POSITIVE.has(verdict)) passed.add(run.spec.gate.name);
    }
    // What the clock or a person decided stands with the release, also where its GateRun is still to be made.
    for (const [run, { verdict }] of Object.entries(status?.verdicts ?? {})) {
      const gate = run.startsWith(`${metadata.name}-e`)
        ? /^e\d+-s\d+-(.+)$/.exec(run.slice(metadata.name.length + 1))
        : null;
      if (gate?.[1] !== undefined && POSITIVE.has(verdict)) passed.add(gate[1]);
    }
    for (const stage of spec.plan.stages)
      for (const gate of [...stage.gatesBefore, ...stage.gatesAfter])
        if (!passed.has(gate.name))
          this.#world.violated('GATES', `${metadata.name} succeeded and gate ${gate.name} never passed`);
  }

  #answered(run: Stored<GateRun>, before: Stored<GateRun> | undefined): void {
    if (run.status?.verdict !== 'pass' || before?.status?.verdict === 'pass') return;
    const why = this.#cannotPass(run.spec.gate, run.spec.release);
    if (why !== null) this.#world.violated('GATES', `gate ${run.metadata.name} passed, and ${why}`);
  }

  /** Why this gate can have no good answer; null: it can. */
  #cannotPass({ http, command }: Gate, name: string): string | null {
    const { scenario, objects, cluster } = this.#world;
    if (command !== undefined)
      return alwaysFails(scenario.commands, namesOfCommand(command.argv))
        ? `${command.argv[0]} always fails`
        : null;
    if (http?.url !== undefined)
      return alwaysFails(scenario.services, namesOfUrl(http.url)) ? `${http.url} always fails` : null;
    if (http === undefined) return null;
    const release = objects.get(`Release/default/${name}`) as Stored<Release> | undefined;
    const revision = objects.get(`Revision/default/${release?.spec.to}`) as Stored<Revision> | undefined;
    const asked = release?.spec.workloads.find(getsTraffic)?.name;
    const workload = revision?.spec.workloads.find((each) => each.name === asked);
    if (workload === undefined || cluster.programs.of(workload.env).gateStatus === 200) return null;
    return `${asked} of ${release?.spec.to} always answers ${cluster.programs.of(workload.env).gateStatus}`;
  }
}

const alwaysFails = (by: Readonly<Record<string, OutsideService>>, names: readonly string[]): boolean =>
  names.map((name) => by[name]).find((found) => found !== undefined)?.passes === 0;
