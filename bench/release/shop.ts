import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { EXAMPLE, SHOP } from '../../demo/shop.ts';
import type { Application } from '../../src/api/application.ts';
import type { Execution } from '../../src/api/execution.ts';
import type { Release } from '../../src/api/release.ts';
import { pinArtifact, pinSpec } from '../../src/cli/manifest/artifacts.ts';
import { pack } from '../../src/cli/manifest/pack.ts';
import { hasEnded } from '../../src/cli/progress/view.ts';
import type { WorkloadObservation } from '../../src/drivers/cluster-driver.ts';
import type { ApiClient } from '../../src/server/api-client.ts';
import { type Phases, phasesOf } from './phases.ts';

/** As the example's file says. */
const REPLICAS = 6;
const POLL_MS = 50;
const DEADLINE_MS = 120_000;

export interface TimedRelease {
  /** From sending the command to the instant at which the router put the last flip in force. */
  readonly ms: number;
  readonly phases: Phases;
}

/** The example shop with six instances and no gate, released by the API as the command line does it. */
export class BenchShop {
  readonly #api: ApiClient;
  readonly #directory: string;
  #made = 0;

  /** Builds go to `directory`. */
  constructor(api: ApiClient, directory: string) {
    this.#api = api;
    this.#directory = directory;
  }

  /** r1 runs and serves when it resolves. */
  async create(): Promise<void> {
    const file = parse(await readFile(join(EXAMPLE, 'app.yaml'), 'utf8')) as Application;
    const options = { api: this.#api, pack, directory: EXAMPLE, upload: true };
    const { spec } = await pinSpec(SHOP.name, file.spec, options);
    await this.#api.create({ ...file, spec: { ...spec, gates: [] } });
    await this.#settled(new Set());
  }

  /**
   * Releases a build that nobody here has seen: the manager has it, as after an upload, and the agent has
   * still to fetch it. One PATCH is the whole command, since the application releases by itself.
   */
  async release(strategy: Readonly<Record<string, unknown>>): Promise<TimedRelease> {
    const known = new Set((await this.#api.list('Release')).items.map(({ metadata }) => metadata.name));
    const { artifact } = await pinArtifact(SHOP.name, await this.#build(), {
      api: this.#api,
      pack,
      directory: EXAMPLE,
      upload: true,
    });
    const spec = { workload: { artifact }, strategy: { scaled: null, blueGreen: null, ...strategy } };
    const startedAt = Date.now();
    await this.#api.patch('Application', SHOP.name, { spec });
    const release = await this.#settled(known);
    const lastFlipAt = Math.max(
      ...(release.status?.stages ?? []).map(({ flip }) => (flip === null ? 0 : Date.parse(flip.at))),
    );
    const { items } = await this.#api.list<Execution>('Execution');
    const own = items.filter(({ spec }) => spec.release === release.metadata.name);
    return { ms: lastFlipAt - startedAt, phases: phasesOf(own, startedAt, lastFlipAt) };
  }

  async #build(): Promise<string> {
    const build = join(this.#directory, `build-${this.#made++}`);
    await cp(join(EXAMPLE, 'v2'), build, { recursive: true });
    await writeFile(join(build, 'build.txt'), build);
    return build;
  }

  /** The new release has succeeded, and of everything older no process is left to disturb what comes next. */
  async #settled(known: ReadonlySet<string>): Promise<Release> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    const release = await this.#ended(known, deadline);
    const { phase, waiting } = release.status ?? {};
    if (phase !== 'Succeeded') throw new Error(`${release.metadata.name} ${phase}: ${waiting?.message}`);
    while ((await this.#processes()) !== REPLICAS) await sleep(POLL_MS, undefined, { signal: deadline });
    return release;
  }

  /** By a watch, since whoever polls while the release runs takes its processors. */
  async #ended(known: ReadonlySet<string>, deadline: AbortSignal): Promise<Release> {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, deadline]);
    try {
      for await (const { object } of this.#api.watch<Release>('Release', { signal })) {
        if (!known.has(object.metadata.name) && hasEnded(object)) return object;
      }
    } finally {
      stop.abort();
    }
    throw new Error(`no release ended within ${DEADLINE_MS / 1_000} s`);
  }

  async #processes(): Promise<number> {
    const { items } = await this.#api.instances(SHOP.name);
    return items.reduce((sum, item) => sum + (item as unknown as WorkloadObservation).instances.length, 0);
  }
}
