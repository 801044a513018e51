import type { DrillTally, Finding, RehearsalReport } from './report.ts';
import type { DrillRun } from './run-drill.ts';
import type { Trouble } from './trouble.ts';

/** Adds runs up; keeps nothing of a run but its figures. */
export class Tally {
  readonly #findings = new Map<string, Finding & { weight: number }>();
  readonly #drills = new Map<string, DrillTally>();
  readonly turnedBack: Record<string, number> = {};
  readonly faults: Record<string, number> = {};
  readonly failed: Record<string, number> = {};
  readonly wayBack = { flips: 0, slowestFlipMs: 0, others: 0, slowestMs: 0 };
  capacity: RehearsalReport['worst']['capacity'] = null;
  wait: RehearsalReport['worst']['wait'] = null;
  runs = 0;
  bad = 0;
  started = 0;
  virtualMs = 0;

  add({ drawn: { drill, seed, scenario }, outcome, measures }: DrillRun, troubles: readonly Trouble[]): void {
    this.runs += 1;
    this.started += outcome.requests.started;
    this.virtualMs += outcome.virtualMs;
    addUp(this.failed, outcome.requests.failed);
    addUp(this.faults, outcome.faults);
    const row = this.#drills.get(drill.name) ?? {
      name: drill.name,
      runs: 0,
      released: 0,
      turnedBack: 0,
      bad: 0,
    };
    this.#drills.set(drill.name, row);
    row.runs += 1;
    const { status } = measures.release ?? {};
    if (measures.succeededAtMs !== null) row.released += 1;
    else if (status !== undefined) {
      row.turnedBack += 1;
      const why = reasonOf(status);
      addUp(this.turnedBack, { [why]: 1 });
    }
    if (troubles.length > 0) {
      this.bad += 1;
      row.bad += 1;
    }
    const { lowest, longest, wayBack } = measures;
    if (
      lowest !== null &&
      lowest.serving / lowest.of < (this.capacity === null ? 2 : this.capacity.serving / this.capacity.of)
    )
      this.capacity = { ...lowest, seed, drill: drill.name };
    if (longest !== null && longest.ms > (this.wait?.ms ?? 0))
      this.wait = { ...longest, seed, drill: drill.name };
    if (wayBack?.tookMs != null) this.#goneBack(wayBack.wasWarm, wayBack.tookMs);
    // The run with the least around it shows a trouble best.
    const weight =
      scenario.faults.length + (drill.ailment === 'none' ? 0 : 1) + (drill.breaks.includes('chance') ? 5 : 0);
    for (const trouble of troubles) this.#find(trouble, seed, weight);
  }

  get findings(): Finding[] {
    return [...this.#findings.values()]
      .map(({ weight: _, ...finding }) => finding)
      .sort((a, b) => b.runs - a.runs);
  }

  get drills(): DrillTally[] {
    return [...this.#drills.values()];
  }

  #goneBack(wasWarm: boolean, tookMs: number): void {
    const back = this.wayBack;
    if (wasWarm) {
      back.flips += 1;
      back.slowestFlipMs = Math.max(back.slowestFlipMs, tookMs);
    } else {
      back.others += 1;
      back.slowestMs = Math.max(back.slowestMs, tookMs);
    }
  }

  #find({ atMs: _, count, ...trouble }: Trouble, seed: number, weight: number): void {
    const key = `${trouble.kind} ${trouble.place}`;
    const known = this.#findings.get(key);
    const worst = Math.max(count, known?.worst ?? 0);
    const shown = known === undefined || weight < known.weight ? { ...trouble, seed, weight } : known;
    this.#findings.set(key, { ...shown, runs: (known?.runs ?? 0) + 1, worst });
  }
}

function reasonOf({
  turn,
  failure,
  phase,
}: NonNullable<NonNullable<DrillRun['measures']['release']>['status']>): string {
  const failed = failure === null ? undefined : (REASONS[failure.reason] ?? failure.reason);
  if (turn?.cause === 'abort' && failed !== undefined) return `${failed}, and somebody ended it`;
  if (turn?.cause === 'abort') return turn.by === 'clock' ? 'nobody answered in time' : 'somebody aborted';
  if (turn?.cause === 'rollback') return 'somebody rolled back';
  return failed ?? `it was ${phase}`;
}

/** Reasons of failures in words of their own; others are shown as they are. */
const REASONS: Readonly<Record<string, string>> = {
  gateFailed: 'a gate failed',
  gateInconclusive: 'a gate could not be decided',
  crashLoop: 'the new version crashed again and again',
  startTimeout: 'the new version did not get ready in time',
  failedRequests: 'a request failed',
};

function addUp(sums: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + count;
}
