/** Kills processes of a Slipway at random moments of releases under load, and keeps books of what it cost. */

import { leftBehind } from '../../demo/left-behind.ts';
import { followRelease, type ReleaseOutcome } from '../../demo/release.ts';
import type { Screen } from '../../demo/screen.ts';
import { applyShop, BLUE_GREEN, releaseShop, SCALED, SHOP } from '../../demo/shop.ts';
import { type DemoSlipway, makePlace, removePlace, startSlipway, stopSlipway } from '../../demo/slipway.ts';
import { PLAIN } from '../../src/cli/terminal/paint.ts';
import { type Role, readRecord, runs } from '../../src/embedded/process-record.ts';
import { readSupervisor } from '../../src/embedded/supervisor-record.ts';
import { messageOf } from '../../src/lib/errors.ts';
import { systemProcessTable } from '../../src/lib/process-table.ts';
import { eventually } from '../support/eventually.ts';
import { LoadProcess } from '../support/load/load-process.ts';
import { type LoadRandom, seededRandom } from '../support/load/random.ts';
import type { FailureNote, Failures } from '../support/load/report.ts';
import { pause, Writer, type WriterBooks } from './writer.ts';

export type Victim = 'manager' | 'agent' | 'supervisor';

export interface CampaignOptions {
  /** Kills of each victim. */
  readonly kills: number;
  readonly victims: readonly Victim[];
  readonly seed: number;
  readonly replicas?: number;
  readonly clients?: number;
  readonly rate?: number;
  readonly say?: (line: string) => void;
}

export interface CampaignReport {
  readonly seed: number;
  readonly kills: Readonly<Record<string, number>>;
  readonly releases: number;
  /** Releases by how they ended; all must have succeeded. */
  readonly phases: Readonly<Record<string, number>>;
  /** Releases that were killed at while they ran. */
  readonly requests: number;
  readonly failed: number;
  readonly failures: Failures;
  readonly firstFailures: readonly FailureNote[];
  readonly writes: WriterBooks;
  /** From the kill to the next process being ready, ms. */
  readonly recovery: Readonly<Record<string, { readonly medianMs: number; readonly maxMs: number }>>;
  readonly problems: readonly string[];
  readonly left: readonly string[];
  readonly wallMs: number;
  readonly ok: boolean;
}

/** Longest pause between two kills of one release, ms: about as long as half a release takes. */
const PAUSE_MS = 1_200;

export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const startedAt = performance.now();
  const say = options.say ?? (() => undefined);
  const random = seededRandom(options.seed);
  const place = makePlace();
  const problems: string[] = [];
  const phases: Record<string, number> = {};
  const recovered: Record<string, number[]> = {};
  const left: Victim[] = options.victims.flatMap((victim) => Array<Victim>(options.kills).fill(victim));
  const known = new Set<string>();
  let books: Awaited<ReturnType<LoadProcess['stop']>> | undefined;
  let writes: WriterBooks = { acknowledged: 0, unanswered: 0, lost: [] };
  try {
    const slipway = await startSlipway(place, () => undefined);
    const { api, entry } = slipway;
    const follow = async (load: LoadProcess | undefined): Promise<ReleaseOutcome> => {
      const signal = new AbortController().signal;
      const outcome = await followRelease({ api, load, known, signal, screen: silentScreen });
      known.add(outcome.line.name);
      return outcome;
    };
    await applyShop(api, { replicas: options.replicas ?? 3 });
    await follow(undefined);
    await using load = await LoadProcess.start({
      target: entry,
      host: SHOP.host,
      clients: options.clients ?? 24,
      rate: options.rate ?? 150,
      seed: options.seed,
      maxDurationMs: 7_200_000,
    });
    await load.waitForSteady();
    const writer = new Writer(api);
    for (let round = 0; left.length > 0; round++) {
      const [version, strategy] = round % 2 === 0 ? (['v2', SCALED] as const) : (['v3', BLUE_GREEN] as const);
      const ended = new AbortController();
      const killing = killWhile(slipway, left, random, ended.signal, (victim, ms) => {
        recovered[victim] = [...(recovered[victim] ?? []), ms];
      });
      const releasing = (async () => {
        await eventually(
          'the release to be taken',
          async () => {
            // Another revision each time, so that every release starts instances.
            await releaseShop(api, version, strategy, { ROUND: String(round) });
            return true;
          },
          { timeoutMs: 60_000 },
        );
        return await follow(load);
      })().finally(() => ended.abort());
      const [outcome] = await Promise.all([releasing, killing]);
      const { phase, name } = outcome.line;
      phases[phase] = (phases[phase] ?? 0) + 1;
      if (phase !== 'Succeeded') {
        problems.push(`${name} ended ${phase}: ${outcome.release.status?.failure?.message ?? ''}`);
      }
      const { failed } = await load.snapshot();
      say(
        `${name} ${phase} in ${Math.round(outcome.line.wallMs)} ms; ${left.length} kills to go; ${failed} failed`,
      );
    }
    writes = await writer.stop();
    books = await load.stop();
    api.close();
  } catch (error) {
    problems.push(messageOf(error));
  }
  const ports: number[] = [];
  await stopSlipway(place).catch((error: unknown) => void problems.push(`stop: ${messageOf(error)}`));
  removePlace(place);
  const behind = await leftBehind(place, ports);
  const kills = Object.fromEntries(options.victims.map((victim) => [victim, recovered[victim]?.length ?? 0]));
  if (books === undefined) problems.push('the load has no books');
  const failed = books?.failed ?? 0;
  return {
    seed: options.seed,
    kills,
    releases: known.size,
    phases,
    requests: books?.started ?? 0,
    failed,
    failures: books?.failures ?? {},
    firstFailures: books?.firstFailures ?? [],
    writes,
    recovery: Object.fromEntries(Object.entries(recovered).map(([victim, all]) => [victim, spread(all)])),
    problems,
    left: behind,
    wallMs: Math.round(performance.now() - startedAt),
    ok: failed === 0 && writes.lost.length === 0 && problems.length === 0 && behind.length === 0,
  };
}

/** One kill after the other at random moments, until the release has ended; each victim recovers first. */
async function killWhile(
  slipway: DemoSlipway,
  victims: Victim[],
  random: LoadRandom,
  ended: AbortSignal,
  recovered: (victim: Victim, ms: number) => void,
): Promise<void> {
  while (!ended.aborted && victims.length > 0) {
    await pause(random.between(0, PAUSE_MS), ended);
    if (ended.aborted) return;
    const [victim] = victims.splice(random.between(0, victims.length - 1), 1);
    if (victim === undefined) return;
    const pid = pidOf(slipway, victim);
    const killedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    await eventually(`the ${victim} to be back`, () => isBack(slipway, victim, pid), { timeoutMs: 60_000 });
    recovered(victim, performance.now() - killedAt);
  }
}

function pidOf({ data }: DemoSlipway, victim: Victim): number {
  const record = victim === 'supervisor' ? readSupervisor(data) : readRecord(data, victim);
  if (record === undefined) throw new Error(`there is no record of the ${victim}`);
  return record.pid;
}

/** Another process has the role and is ready; of a supervisor, it answers for all. */
async function isBack({ data }: DemoSlipway, victim: Victim, before: number): Promise<boolean> {
  const record = victim === 'supervisor' ? readSupervisor(data) : readRecord(data, victim as Role);
  if (record === undefined || record.pid === before) return false;
  return record.state !== 'starting' && (await runs(systemProcessTable(), record));
}

function spread(all: readonly number[]): { medianMs: number; maxMs: number } {
  const sorted = all.toSorted((a, b) => a - b);
  return {
    medianMs: Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0),
    maxMs: Math.round(sorted.at(-1) ?? 0),
  };
}

const silentScreen: Screen = {
  paint: PLAIN,
  say: () => undefined,
  show: () => undefined,
  end: () => undefined,
};
