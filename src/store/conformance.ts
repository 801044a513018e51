import type { ConformanceCase } from './base-conformance.ts';
import { contentConformance } from './content-conformance.ts';
import { listConformance } from './list-conformance.ts';
import { versionConformance } from './version-conformance.ts';
import { watchConformance } from './watch-conformance.ts';
import { writeConformance } from './write-conformance.ts';

/** Every promise of the Store port, as cases that each adapter runs against a fresh store. */
export const conformance: readonly ConformanceCase[] = [
  ...writeConformance,
  ...contentConformance,
  ...listConformance,
  ...watchConformance,
  ...versionConformance,
];
