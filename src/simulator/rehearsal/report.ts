import type { Assumptions } from './assumptions.ts';
import type { LongestWait, LowestCapacity } from './measures.ts';
import type { StoryLine } from './story.ts';
import type { Trouble } from './trouble.ts';

/** What went wrong in the same way in one or many runs. */
export interface Finding extends Omit<Trouble, 'atMs' | 'count'> {
  readonly runs: number;
  /** The run that shows it with the least around it. */
  readonly seed: number;
  readonly worst: number;
}

/** How releases ended, and why they were turned back. */
export interface DrillTally {
  readonly name: string;
  runs: number;
  released: number;
  turnedBack: number;
  bad: number;
}

export interface RehearsalReport {
  readonly application: string;
  readonly environment: string;
  readonly source: string;
  readonly runs: number;
  readonly good: number;
  readonly bad: number;
  readonly findings: readonly Finding[];
  readonly drills: readonly DrillTally[];
  /** Reasons of turning back, with how often. */
  readonly turnedBack: Readonly<Record<string, number>>;
  readonly worst: {
    readonly capacity: (LowestCapacity & { readonly seed: number; readonly drill: string }) | null;
    readonly wait: (LongestWait & { readonly seed: number; readonly drill: string }) | null;
  };
  /** Going back after the release, in ms: the slowest of each manner. */
  readonly wayBack: {
    readonly flips: number;
    readonly slowestFlipMs: number;
    readonly others: number;
    readonly slowestMs: number;
  };
  readonly requests: { readonly started: number; readonly failed: Readonly<Record<string, number>> };
  readonly faults: Readonly<Record<string, number>>;
  /** When nothing breaks, ms. */
  readonly releaseMs: number;
  readonly virtualHours: number;
  readonly assumptions: Assumptions;
  readonly assumed: readonly string[];
  /** What could not be rehearsed, for people. */
  readonly notes: readonly string[];
  /** One bad run. */
  readonly story: {
    readonly seed: number;
    readonly drill: string;
    readonly lines: readonly StoryLine[];
  } | null;
}
