import { PHASE_ARROWS } from '../../src/engine/release/state.ts';
import { drawScenario } from '../../src/simulator/draw-scenario.ts';
import { type RunOutcome, simulate } from '../../src/simulator/simulation.ts';

export interface SeedViolation {
  readonly seed: number;
  readonly rule: string;
  readonly message: string;
  readonly atMs: number;
}

/** What many runs gave, added up: the last line of `npm run simulate`. */
export interface CampaignResult {
  readonly seeds: number;
  readonly from: number;
  readonly events: number;
  readonly virtualHours: number;
  readonly requests: number;
  readonly failedRequests: Counts;
  readonly faults: Counts;
  readonly verbs: Counts;
  readonly releases: Counts;
  readonly coverage: {
    /** Transitions of the release machine, as often as they were seen. */
    readonly transitions: Counts;
    /** Arrows of the state machine that no run took. */
    readonly missing: readonly string[];
    readonly steps: Counts;
  };
  readonly violations: readonly SeedViolation[];
  readonly wallMs: number;
}

type Counts = Readonly<Record<string, number>>;

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

/** Adds up runs, whoever made them and in whatever order. */
export class CampaignSums {
  readonly #began = performance.now();
  readonly #from: number;
  readonly #sums = { seeds: 0, events: 0, virtualMs: 0, requests: 0 };
  readonly #failedRequests: Record<string, number> = {};
  readonly #faults: Record<string, number> = {};
  readonly #verbs: Record<string, number> = {};
  readonly #releases: Record<string, number> = {};
  readonly #transitions: Record<string, number> = {};
  readonly #steps: Record<string, number> = {};
  readonly #violations: SeedViolation[] = [];

  constructor(from: number) {
    this.#from = from;
  }

  add(seed: number, outcome: RunOutcome): void {
    this.#sums.seeds += 1;
    this.#sums.events += outcome.events;
    this.#sums.virtualMs += outcome.virtualMs;
    this.#sums.requests += outcome.requests.started;
    add(this.#failedRequests, outcome.requests.failed);
    add(this.#faults, outcome.faults);
    add(this.#verbs, outcome.verbs);
    add(this.#releases, outcome.releases);
    add(this.#transitions, outcome.transitions);
    add(this.#steps, outcome.steps);
    for (const violation of outcome.violations) this.#violations.push({ seed, ...violation });
  }

  result(): CampaignResult {
    const { seeds, events, virtualMs, requests } = this.#sums;
    return {
      seeds,
      from: this.#from,
      events,
      virtualHours: Math.round(virtualMs / 36_000) / 100,
      requests,
      failedRequests: this.#failedRequests,
      faults: this.#faults,
      verbs: this.#verbs,
      releases: this.#releases,
      coverage: {
        transitions: this.#transitions,
        missing: missingArrows(this.#transitions),
        steps: this.#steps,
      },
      violations: this.#violations.toSorted((a, b) => a.seed - b.seed),
      wallMs: Math.round(performance.now() - this.#began),
    };
  }
}

/** A seed is a number of its own: the same one is the same run in any campaign. */
export const runSeed = (seed: number): Promise<RunOutcome> =>
  simulate({ scenario: drawScenario(String(seed)) });

/** Runs seeds one after the other. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const began = performance.now();
  const sums = new CampaignSums(options.from);
  for (let seed = options.from; seed < options.from + options.seeds; seed += 1) {
    if (performance.now() - began > (options.limitMs ?? Number.POSITIVE_INFINITY)) break;
    const outcome = await runSeed(seed);
    sums.add(seed, outcome);
    options.told?.(seed, outcome);
    if (options.stopAtFirst === true && outcome.violations.length > 0) break;
  }
  return sums.result();
}

function missingArrows(transitions: Counts): string[] {
  return Object.entries(PHASE_ARROWS).flatMap(([from, next]) =>
    next.map((to) => `${from} → ${to}`).filter((arrow) => !(arrow in transitions)),
  );
}

function add(sums: Record<string, number>, more: Counts): void {
  for (const [name, count] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + count;
}
