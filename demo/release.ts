import type { Execution, GateRun, Receipt } from '../src/api/execution.ts';
import type { Release } from '../src/api/release.ts';
import { follow } from '../src/cli/progress/follow.ts';
import { hasEnded } from '../src/cli/progress/view.ts';
import type { ApiClient } from '../src/server/api-client.ts';
import type { LoadProcess } from '../test/support/load/load-process.ts';
import type { DrainLine, FlipLine, ReleaseLine } from './report.ts';
import type { Screen } from './screen.ts';

export interface ReleaseOutcome {
  readonly release: Release;
  readonly receipt: Receipt | undefined;
  readonly line: ReleaseLine;
  readonly flips: readonly FlipLine[];
  readonly drains: readonly DrainLine[];
}

/** Longer than any release of the demo takes, and short enough for somebody to wait for. */
const DEADLINE_MS = 120_000;

/**
 * Shows the next release that is none of `known` until it has ended, and asks the load at each flip what it
 * had in flight. Rejects when none ends within two minutes or the signal is aborted.
 */
export async function followRelease(options: {
  readonly api: ApiClient;
  readonly known: ReadonlySet<string>;
  readonly load: LoadProcess | undefined;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}): Promise<ReleaseOutcome> {
  const { api, known, load, screen } = options;
  const ending = new AbortController();
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const signal = AbortSignal.any([ending.signal, options.signal, deadline]);
  let release: Release | undefined;
  let executions: readonly Execution[] = [];
  let gateRuns: readonly GateRun[] = [];
  const flips = new Map<number, Promise<FlipLine>>();

  const update = (): void => {
    if (release === undefined) return;
    const { name } = release.metadata;
    noteFlips(release, load, flips);
    screen.show({
      release,
      executions: executions.filter(({ spec }) => spec.release === name),
      gateRuns: gateRuns.filter(({ spec }) => spec.release === name),
    });
    if (hasEnded(release)) ending.abort();
  };
  const redraw = setInterval(update, 100);
  try {
    await Promise.all([
      follow<Release>(api, 'Release', {
        signal,
        wanted: ({ metadata }) => !known.has(metadata.name),
        changed: (objects) => {
          release = [...objects.values()][0];
          update();
        },
      }),
      follow<Execution>(api, 'Execution', {
        signal,
        wanted: () => true,
        changed: (objects) => {
          executions = [...objects.values()];
        },
      }),
      follow<GateRun>(api, 'GateRun', {
        signal,
        wanted: () => true,
        changed: (objects) => {
          gateRuns = [...objects.values()];
        },
      }),
    ]);
  } finally {
    clearInterval(redraw);
    screen.end();
  }
  options.signal.throwIfAborted();
  if (release === undefined || !hasEnded(release)) {
    const where = release === undefined ? 'no release began' : `${release.metadata.name} has not ended`;
    throw new Error(`${where} within ${DEADLINE_MS / 1_000} s: ${release?.status?.waiting.message ?? ''}`);
  }
  return await outcomeOf(api, release, await Promise.all(flips.values()));
}

/** At once, since the load remembers what was in flight for some time only. */
function noteFlips(
  { metadata, status }: Release,
  load: LoadProcess | undefined,
  flips: Map<number, Promise<FlipLine>>,
): void {
  if (load === undefined) return;
  for (const { number, flip } of status?.stages ?? []) {
    if (flip === null || flips.has(number)) continue;
    const atMs = Date.parse(flip.at);
    const line = load
      .inFlightAt(atMs)
      .then((inFlight) => ({ release: metadata.name, stage: number, atMs, flipMs: flip.flipMs, inFlight }));
    // Awaited at the end; until then its rejection must not end the process.
    line.catch(() => undefined);
    flips.set(number, line);
  }
}

async function outcomeOf(
  api: ApiClient,
  release: Release,
  flips: readonly FlipLine[],
): Promise<ReleaseOutcome> {
  const { metadata, spec, status } = release;
  const receipt = await api.find<Receipt>('Receipt', status?.receipt ?? metadata.name);
  const wallMs = receipt?.spec.wallMs ?? between(status?.startedAt, status?.endedAt);
  return {
    release,
    receipt,
    flips,
    line: {
      name: metadata.name,
      from: spec.from,
      to: spec.to,
      strategy: spec.plan.strategy,
      phase: status?.phase ?? 'Pending',
      wallMs,
      requests: receipt?.spec.requests.total ?? null,
      failed: receipt?.spec.requests.failed ?? null,
    },
    drains: (receipt?.spec.drains ?? []).map(({ stage, version, ms, requests, streams, cut }) => ({
      release: metadata.name,
      ...{ stage, version, ms, requests, streams, cut },
    })),
  };
}

const between = (from: string | null | undefined, to: string | null | undefined): number =>
  from && to ? Date.parse(to) - Date.parse(from) : 0;
