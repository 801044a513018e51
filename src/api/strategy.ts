import * as z from 'zod';
import { Duration } from './duration.ts';
import { exactlyOne } from './exactly-one.ts';

const AfterStages = z.array(z.number().int().min(1)).default([]);
const Percentage = z.number().int().min(1).max(100);
const StepCount = z.union([z.number().int().min(1), z.string().regex(/^\d{1,3}%$/)]);

const Retention = z.strictObject({
  /** How long an old revision stays warm. */
  time: Duration.default('30m'),
  /** How many warm revisions stay at the most. */
  count: z.number().int().min(1).max(10).default(1),
});

/** Stages after which the release waits for `promote`. */
const common = { pause: AfterStages };

export const Strategy = exactlyOne(
  z.strictObject({
    rolling: z.strictObject({ ...common }).optional(),
    custom: z
      .strictObject({ ...common, percentages: z.array(Percentage).min(1), beta: z.boolean().default(false) })
      .optional(),
    blueGreen: z
      .strictObject({
        pause: z.array(z.number().int().min(1)).default([1, 2]),
        retention: Retention.prefault({}),
      })
      .optional(),
    scaled: z
      .strictObject({
        ...common,
        steps: z.array(StepCount).min(1).optional(),
        warm: z.boolean().default(false),
        retention: Retention.prefault({}),
      })
      .optional(),
    canary: z
      .strictObject({
        ...common,
        weights: z.array(Percentage).min(1).default([5, 25, 50, 100]),
        by: z.enum(['weight', 'replicas']).default('weight'),
        soak: Duration.optional(),
        retention: Retention.prefault({}),
      })
      .optional(),
  }),
  ['rolling', 'custom', 'blueGreen', 'scaled', 'canary'],
  'exactly one of rolling, custom, blueGreen, scaled or canary',
);
export type Strategy = z.output<typeof Strategy>;
export type StrategyName = keyof Strategy;

/** The one strategy that is set. */
export function strategyName(strategy: Strategy): StrategyName {
  for (const name of ['rolling', 'custom', 'blueGreen', 'scaled', 'canary'] as const) {
    if (strategy[name] !== undefined) return name;
  }
  throw new TypeError('no strategy is set');
}

/** What happens by itself during a release. */
export const ReleasePolicy = z.strictObject({
  /** A failed gate, stage or request: turn back by itself, or stop and wait for a person. */
  onFailure: z.enum(['rollback', 'pause']).default('rollback'),
  /** Turn back (or pause) at the first request that the release made fail. */
  onFailedRequest: z.enum(['rollback', 'pause', 'ignore']).default('rollback'),
  /** A second release of the same environment, before and after the first flip. */
  supersede: z
    .strictObject({
      beforeFlip: z.enum(['supersede', 'queue', 'reject']).default('supersede'),
      afterFlip: z.enum(['supersede', 'queue', 'reject']).default('queue'),
    })
    .prefault({}),
  /** Longest time without progress, pauses not counted. */
  progressDeadline: Duration.default('10m'),
  /** A pause that nobody ends expires after this and the release turns back. */
  pauseExpiry: Duration.default('24h'),
});
export type ReleasePolicy = z.output<typeof ReleasePolicy>;
