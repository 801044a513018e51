import { KINDS, type LoadReport } from '../test/support/load/report.ts';
import type { Reconciliation } from './reconcile.ts';
import type { FlipLine } from './report.ts';

/** What must hold beyond "no release failed". */
export function checks(
  flips: readonly FlipLine[],
  load: LoadReport | undefined,
  reconciliation: Reconciliation | undefined,
): string[] {
  if (load === undefined) return ['the load has no books'];
  const problems: string[] = [];
  if (load.failed > 0) {
    const first = load.firstFailures
      .slice(0, 5)
      .map((one) => `${one.at} ${one.kind} ${one.cause}: ${one.detail}`);
    problems.push(
      `${load.failed} of ${load.started} requests failed: ${JSON.stringify(load.failures)}`,
      ...first,
    );
  }
  if (load.started !== load.finished + load.failed) {
    problems.push(`${load.started} requests started, ${load.finished} finished and ${load.failed} failed`);
  }
  for (const flip of flips) {
    const absent = KINDS.filter((kind) => flip.inFlight[kind] === 0);
    if (absent.length > 0) {
      problems.push(
        `at the flip of ${flip.release}, stage ${flip.stage}, no ${absent.join(', ')} was in flight`,
      );
    }
  }
  if (flips.length < 4) problems.push(`${flips.length} flips under load instead of 4`);
  return [...problems, ...(reconciliation?.differences ?? ['the counts were not compared'])];
}
