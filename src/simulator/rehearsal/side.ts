import type { ApplicationSpecInput, RouteSpec } from '../../api/application.ts';
import type { EnvironmentSpec } from '../../api/environment.ts';
import type { Gate } from '../../api/gate.ts';
import type { ReleasePolicy, Strategy } from '../../api/strategy.ts';
import type { PinnedWorkload, Workload } from '../../api/workload.ts';
import type { ResolvedApplication } from '../../engine/application/resolve.ts';
import { digestOf } from '../draw-application.ts';
import { PROGRAM_VARIABLE } from '../program.ts';

/** Of a workload what a release looks at; its artifact and its environment are stand-ins in a rehearsal. */
export type SideWorkload = Pick<
  Workload,
  'type' | 'command' | 'port' | 'replicas' | 'readiness' | 'drain' | 'maxSurge' | 'maxUnavailable'
>;

/** One end of a release: what runs there, and how it is released. */
export interface Side {
  readonly workloads: Readonly<Record<string, SideWorkload>>;
  readonly routes: readonly RouteSpec[];
  readonly strategy: Strategy;
  readonly gates: readonly Gate[];
  readonly policy: ReleasePolicy;
}

/** What is rehearsed: this application, in this environment, from what stands to what is wanted. */
export interface Subject {
  readonly application: string;
  readonly environment: string;
  readonly environmentSpec: EnvironmentSpec;
  /** Null: nothing stands, every run is a first release. */
  readonly from: Side | null;
  readonly to: Side;
  /** Where both came from, for people: `app.yaml`, `what is applied`. */
  readonly source: string;
}

/** Whether an old version stays warm after a release of this side. */
export const keepsWarm = ({ strategy }: Side): boolean =>
  strategy.blueGreen !== undefined || strategy.scaled?.warm === true || strategy.canary?.by === 'weight';

/** Which build runs: each has programs of its own, so that going from one to the other is a new revision. */
export type Build = 'old' | 'new';

/** Whoever gives approvals in a rehearsal, also those that are for an admin or for people by their names. */
const APPROVER = 'dana';

export const sideOf = ({ workloads, routes, strategy, gates, policy }: ResolvedApplication): Side => ({
  ...{ routes, strategy, gates, policy },
  workloads: Object.fromEntries(Object.entries(workloads).map(([name, each]) => [name, shape(each)])),
});

/** A revision that stands: its own workloads in the sizes that the track knows, released as `manner` says. */
export function sideOfRevision(
  workloads: readonly PinnedWorkload[],
  sizes: Readonly<Record<string, number>>,
  manner: Side,
): Side {
  const own = workloads.map((pinned): [string, SideWorkload] => {
    const known = manner.workloads[pinned.name];
    return [
      pinned.name,
      {
        type: pinned.type,
        command: pinned.command,
        port: pinned.port === undefined ? undefined : { env: pinned.port.env },
        replicas: sizes[pinned.name] ?? known?.replicas ?? 1,
        readiness: pinned.readiness,
        drain: pinned.drain,
        maxSurge: known?.maxSurge ?? '100%',
        maxUnavailable: known?.maxUnavailable ?? 0,
      },
    ];
  });
  return { ...manner, workloads: Object.fromEntries(own) };
}

/** The name of the program that a workload of a build runs. */
export const programName = (workload: string, build: Build): string => `${workload}@${build}`;

/** The file of a side, as people would apply it. `asked`: with its gates; what stands got there without. */
export function fileOf(
  side: Side,
  build: Build,
  { asked, environment }: { readonly asked: boolean; readonly environment: string },
): ApplicationSpecInput {
  const workloads = Object.entries(side.workloads).map(([name, workload]) => [
    name,
    {
      ...workload,
      artifact: `${name}@${digestOf(programName(name, build))}`,
      env: { [PROGRAM_VARIABLE]: programName(name, build) },
    },
  ]);
  return {
    workloads: Object.fromEntries(workloads),
    routes: [...side.routes],
    strategy: side.strategy,
    gates: asked ? side.gates.map(approvable) : [],
    policy: side.policy,
    // Named, since a file is released where it says so.
    environments: { [environment]: {} },
  };
}

/** The simulated cluster is one; approvals are for whoever plays the approver. */
export const environmentOf = ({ environmentSpec }: Subject): EnvironmentSpec => {
  const { approval } = environmentSpec.protection;
  return {
    ...environmentSpec,
    clusters: ['local'],
    protection: approval === undefined ? {} : { approval: { ...approval, by: APPROVER } },
  };
};

const approvable = (gate: Gate): Gate =>
  gate.approval === undefined ? gate : { ...gate, approval: { ...gate.approval, by: APPROVER } };

const shape = (workload: Workload): SideWorkload => {
  const { type, command, port, replicas, readiness, drain, maxSurge, maxUnavailable } = workload;
  return { type, command, port, replicas, readiness, drain, maxSurge, maxUnavailable };
};
