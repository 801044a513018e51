import * as z from 'zod';
import { DURATION_PATTERN } from '../lib/durations.ts';

// The arithmetic stands in lib/, so that the command line can speak of durations without loading the schemas.
export { durationMs, formatDuration } from '../lib/durations.ts';

/** A length of time as people write it: `100ms`, `30s`, `1h30m`, `2d`. Kept as text; see durationMs. */
export const Duration = z.string().regex(DURATION_PATTERN, 'a duration such as 100ms, 30s, 5m, 1h30m or 2d');
