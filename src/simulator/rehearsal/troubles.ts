import type { Assumptions } from './assumptions.ts';
import { endTroubles } from './end-troubles.ts';
import { requestTroubles } from './request-troubles.ts';
import type { DrillRun } from './run-drill.ts';
import type { Subject } from './side.ts';
import { OWN_FAULT, type Trouble } from './trouble.ts';
import { wayBackTroubles } from './way-back-troubles.ts';

/** Everything that went wrong in a run and that nothing excuses. */
export function troublesOf(run: DrillRun, subject: Subject, assumed: Assumptions): Trouble[] {
  return [
    ...requestTroubles(run.measures.failures, subject, assumed),
    ...endTroubles(run, subject, assumed),
    ...wayBackTroubles(run.measures, subject, assumed),
    ...floorTroubles(run),
    ...ruleTroubles(run),
  ];
}

/** Fewer serve than the file allows, and nobody died. */
function floorTroubles({ drawn, measures, outcome }: DrillRun): Trouble[] {
  const { lowest } = measures;
  const mayDie = drawn.drill.ailment === 'crashesLater' || (outcome.faults.killInstance ?? 0) > 0;
  if (lowest === null || lowest.serving >= lowest.of || mayDie) return [];
  return [
    {
      ...{ kind: 'floor', place: lowest.workload, atMs: lowest.atMs, count: lowest.of - lowest.serving },
      message: `Only ${lowest.serving} instances of ${lowest.workload} served where the file asks for ${lowest.of}, and none had died.`,
      next: OWN_FAULT,
    },
  ];
}

function ruleTroubles({ outcome }: DrillRun): Trouble[] {
  return (
    outcome.violations
      // Told above, by cause.
      .filter(({ rule, message }) => rule !== 'LEDGER' || !message.startsWith('a request to'))
      .map(({ rule, message, atMs }) => ({
        ...{
          kind: rule === 'INV-28' ? ('stuck' as const) : ('promise' as const),
          place: rule,
          atMs,
          count: 1,
        },
        message:
          rule === 'INV-28'
            ? `Something got stuck: ${message}.`
            : `A promise of Slipway itself was broken (${rule}): ${message}.`,
        next: OWN_FAULT,
      }))
  );
}
