import { PHASE_ARROWS } from '../../src/engine/release/state.ts';
import { drawScenario } from '../../src/simulator/draw-scenario.ts';
import { type RunOutcome, simulate } from '../../src/simulator/simulation.ts';

/** What many runs gave, added up: the last line of `npm run simulate`. */
export interface CampaignResult {
  readonly seeds: number;
  readonly from: number;
  readonly events: number;
  readonly virtualHours: number;
  readonly requests: number;
  readonly failedRequests: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly verbs: Readonly<Record<string, number>>;
  readonly releases: Readonly<Record<string, number>>;
  readonly coverage: {
    /** Transitions of the release machine, as often as they were seen. */
    readonly transitions: Readonly<Record<string, number>>;
    /** Arrows of the state machine that no run took. */
    readonly missing: readonly string[];
    readonly steps: Readonly<Record<string, number>>;
  };
  readonly violations: readonly { readonly seed: number; readonly rule: string; readonly message: string }[];
  readonly wallMs: number;
}

export interface CampaignOptions {
  readonly from: number;
  /** Seeds at the most. */
  readonly seeds: number;
  /** Wall time at the most, ms. */
  readonly limitMs?: number;
  /** Ends at the first seed that breaks a promise. */
  readonly stopAtFirst?: boolean;
  readonly told?: (seed: number, outcome: RunOutcome) => void;
}

/** Runs seeds one after the other. A seed is a number of its own: the same one is the same run in any campaign. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const began = performance.now();
  const sums = { seeds: 0, events: 0, virtualMs: 0, requests: 0 };
  const failedRequests: Record<string, number> = {};
  const faults: Record<string, number> = {};
  const verbs: Record<string, number> = {};
  const releases: Record<string, number> = {};
  const transitions: Record<string, number> = {};
  const steps: Record<string, number> = {};
  const violations: { seed: number; rule: string; message: string }[] = [];
  for (let seed = options.from; seed < options.from + options.seeds; seed += 1) {
    if (performance.now() - began > (options.limitMs ?? Number.POSITIVE_INFINITY)) break;
    const outcome = await simulate({ scenario: drawScenario(String(seed)) });
    sums.seeds += 1;
    sums.events += outcome.events;
    sums.virtualMs += outcome.virtualMs;
    sums.requests += outcome.requests.started;
    add(failedRequests, outcome.requests.failed);
    add(faults, outcome.faults);
    add(verbs, outcome.verbs);
    add(releases, outcome.releases);
    add(transitions, outcome.transitions);
    add(steps, outcome.steps);
    for (const { rule, message } of outcome.violations) violations.push({ seed, rule, message });
    options.told?.(seed, outcome);
    if (options.stopAtFirst === true && violations.length > 0) break;
  }
  return {
    seeds: sums.seeds,
    from: options.from,
    events: sums.events,
    virtualHours: Math.round(sums.virtualMs / 36_000) / 100,
    requests: sums.requests,
    ...{ failedRequests, faults, verbs, releases },
    coverage: { transitions, missing: missingArrows(transitions), steps },
    violations,
    wallMs: Math.round(performance.now() - began),
  };
}

function missingArrows(transitions: Readonly<Record<string, number>>): string[] {
  return Object.entries(PHASE_ARROWS).flatMap(([from, next]) =>
    next.map((to) => `${from} → ${to}`).filter((arrow) => !(arrow in transitions)),
  );
}

function add(sums: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + count;
}
