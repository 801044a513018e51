import type { Execution, GateRun } from '../../api/execution.ts';
import type { Stage } from '../../api/plan.ts';
import type { Release, ReleasePhase, StageStatus } from '../../api/release.ts';

/** What is known of one release at one moment; everything that progress shows is a function of it. */
export interface ReleaseView {
  readonly release: Release;
  readonly executions: readonly Execution[];
  readonly gateRuns: readonly GateRun[];
}

export interface StageView {
  readonly stage: Stage;
  /** Whether it belongs to the way back: its numbers begin at 1 again. */
  readonly back: boolean;
  /** Whether no stage up to it moves public traffic. */
  readonly beforeFlip: boolean;
  /** Why it stopped where nothing failed: a person, or a newer release. Null otherwise. */
  readonly stoppedBy: 'aborted' | 'turned back' | 'superseded' | null;
  /** Absent while the release has not been looked at by its controller. */
  readonly status: StageStatus | undefined;
  readonly executions: readonly Execution[];
  readonly gatesBefore: readonly GateRun[];
  readonly gatesAfter: readonly GateRun[];
}

const ENDED: readonly ReleasePhase[] = ['Succeeded', 'Aborted', 'RolledBack', 'Failed', 'Superseded'];

/** Whether the release will never change again. */
export const hasEnded = (release: Release): boolean =>
  release.status !== undefined && ENDED.includes(release.status.phase);

/**
 * It asked for what serves already, and ended for that. One that a newer release took out of the queue did not,
 * though it asked for the same.
 */
export const askedForWhatServes = ({ status }: Release): boolean => status?.turn?.alreadyLive === true;

/** `Pending` before the controller has seen it. */
export const phaseOf = (release: Release): ReleasePhase => release.status?.phase ?? 'Pending';

/** The plan's stages; once the release turns back, those that were begun and then the way back. */
export function stageViews(view: ReleaseView): StageView[] {
  const { spec, status } = view.release;
  const { stages } = spec.plan;
  const firstFlip = stages.findIndex(({ flips }) => flips);
  const stoppedBy = stopOf(status);
  const forward = stages.map((stage, at) =>
    stageView({ stage, back: false, beforeFlip: at < firstFlip, stoppedBy }, status?.stages[at], view),
  );
  if (status?.direction !== 'back') return forward;
  // The statuses of the way back follow those of the plan.
  const back = status.backStages.map((stage, at) =>
    stageView(
      { stage, back: true, beforeFlip: false, stoppedBy: null },
      status.stages[stages.length + at],
      view,
    ),
  );
  return [...forward.filter((one) => one.status?.state !== 'pending'), ...back];
}

function stopOf(status: Release['status']): StageView['stoppedBy'] {
  switch (status?.turn?.cause) {
    case 'abort':
      return 'aborted';
    case 'rollback':
      return 'turned back';
    case 'superseded':
      return 'superseded';
    default:
      return null;
  }
}

function stageView(
  place: Pick<StageView, 'stage' | 'back' | 'beforeFlip' | 'stoppedBy'>,
  status: StageStatus | undefined,
  view: ReleaseView,
): StageView {
  const current = view.executions.find((one) => one.metadata.name === status?.execution);
  return {
    ...place,
    status,
    // One per cluster: those of the same epoch as the one that the release names.
    executions: view.executions.filter(
      (one) => one.spec.stage === current?.spec.stage && one.spec.epoch === current.spec.epoch,
    ),
    gatesBefore: latestRuns(view.gateRuns, place.stage, 'before'),
    gatesAfter: latestRuns(view.gateRuns, place.stage, 'after'),
  };
}

/** The latest asking of each gate of the stage: a retry asks again under a higher epoch. */
function latestRuns(runs: readonly GateRun[], stage: Stage, when: 'before' | 'after'): GateRun[] {
  const gates = when === 'before' ? stage.gatesBefore : stage.gatesAfter;
  return gates.flatMap((gate) => {
    const of = runs.filter(
      ({ spec }) => spec.stage === stage.number && spec.when === when && spec.gate.name === gate.name,
    );
    return of.toSorted((a, b) => b.spec.epoch - a.spec.epoch).slice(0, 1);
  });
}
