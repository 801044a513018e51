import type { RouteSpec } from '../../api/application.ts';
import type { EnvironmentSpec } from '../../api/environment.ts';
import type { ExecutionStatus } from '../../api/execution.ts';
import type { Instruction } from '../../api/plan.ts';
import type { ReleaseSpec, ReleaseStatus, Verb } from '../../api/release.ts';
import type { RevisionSpec, TrackStatus } from '../../api/revision.ts';
import type { Standing } from '../../api/standing.ts';
import type { PinnedWorkload } from '../../api/workload.ts';
import type { ErrorDetail, Result } from '../../lib/errors.ts';
import type { ResolvedApplication } from '../application/resolve.ts';
import type { Unbegun } from '../release/state.ts';

/** The application as this environment would run it now. */
export interface WantedApplication {
  readonly resolved: ResolvedApplication;
  readonly workloads: readonly PinnedWorkload[];
  /** Digest of the revision that it makes. */
  readonly digest: string;
  /** Digest of replicas and routes. */
  readonly inPlace: string;
  readonly source: string | undefined;
}

export interface TrackCommand {
  readonly uid: string;
  readonly verb: Verb;
  /**
   * A release that has ended, for `retry` and `rollback` of it, or one that is claimed and not made, for `abort`;
   * null: the application.
   */
  readonly release: string | null;
  readonly by: string;
  readonly roles?: readonly string[] | undefined;
  readonly at: string;
  readonly why: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface TrackInput {
  readonly namespace: string;
  readonly application: string;
  readonly environment: string;
  readonly environmentSpec: EnvironmentSpec;
  /** Everything of it goes from this environment: the application is deleted, or not to be there any more. */
  readonly deleting: boolean;
  /** The file says that it is not in this environment; the application itself stays. */
  readonly absent?: boolean;
  /** Whether changes release by themselves. */
  readonly auto: boolean;
  readonly wanted: Result<WantedApplication, readonly ErrorDetail[]>;
  /** The application's spec as people wrote it: what `scale` changes. */
  readonly written: unknown;
  /** Who changed that spec last, as the server saw it; null where it is not known. */
  readonly changedBy: string | null;
  /** Rises with each change of that spec. */
  readonly generation: number;
  readonly track: TrackStatus;
  readonly revisions: Readonly<Record<string, RevisionSpec>>;
  /** Releases of this track by name, as far as they still exist. */
  readonly releases: Readonly<Record<string, { readonly spec: ReleaseSpec; readonly status: ReleaseStatus }>>;
  /**
   * What stands in each cluster, as its agent saw it after the last order there; null where that is not known of
   * all of them.
   */
  readonly standings: readonly Standing[] | null;
  /** What came of `track.work`, over all clusters; undefined while an order of it is not made. */
  readonly work: ExecutionStatus | undefined;
  readonly commands: readonly TrackCommand[];
  readonly version: string;
  readonly now: number;
}

export type TrackEffect =
  | { readonly type: 'createRevision'; readonly name: string; readonly spec: RevisionSpec }
  /** An older revision is about to be released again: whoever selected it to go before that was known finds it changed. */
  | { readonly type: 'holdRevision'; readonly name: string; readonly release: string }
  | {
      readonly type: 'createRelease';
      readonly name: string;
      readonly spec: ReleaseSpec;
      /** It ends before it began, so that who watches it is told. */
      readonly unbegun?: Unbegun;
    }
  | {
      readonly type: 'createExecution';
      readonly name: string;
      readonly purpose: 'retire' | 'inPlace' | 'delete' | 'restart';
      readonly revision: string;
      readonly epoch: number;
      readonly sequence: number;
      readonly instructions: readonly Instruction[];
      readonly replicas: Readonly<Record<string, number>>;
      readonly routes: readonly RouteSpec[];
    }
  /** Carried out before the track is saved: until then the Command itself is the durable intent. */
  | { readonly type: 'scaleApplication'; readonly spec: unknown; readonly by: string }
  /** A person asks for the release that their change began: it is theirs. Before the track is saved, as above. */
  | {
      readonly type: 'nameRelease';
      readonly name: string;
      readonly by: string;
      readonly why: string | null;
    }
  /** Everything of this track is gone. */
  | { readonly type: 'removeTrack' };

export interface TrackReply {
  readonly uid: string;
  readonly state: 'done' | 'refused';
  readonly message: string;
  readonly result: Readonly<Record<string, unknown>>;
}

export interface TrackDecision {
  readonly track: TrackStatus;
  readonly effects: readonly TrackEffect[];
  readonly replies: readonly TrackReply[];
  readonly wakeAt: number | null;
}

/** Why nothing is done for it there any more. */
export const leavingWords = ({
  application,
  environment,
  absent,
}: Pick<TrackInput, 'application' | 'environment' | 'absent'>): string =>
  absent === true
    ? `${application} is not to be in ${environment}: spec.environments.${environment}.absent says so; apply its file without that`
    : `${application} is being deleted`;

/** @param firstEpoch above all epochs that a track of this name may have given out before it was deleted. */
export const initialTrack = (firstEpoch = 0): TrackStatus => ({
  nextRevision: 1,
  active: null,
  queue: [],
  live: null,
  previous: null,
  liveStrategy: null,
  warm: [],
  hold: null,
  attempts: {},
  attempted: null,
  epoch: firstEpoch,
  work: null,
  applied: null,
  refusal: null,
  commands: [],
});
