import { type Application, CHANGED_BY_ANNOTATION } from '../api/application.ts';
import { type Environment, EnvironmentSpec } from '../api/environment.ts';
import type { Execution, ExecutionStatus } from '../api/execution.ts';
import type { Stored } from '../api/meta.ts';
import type { Release } from '../api/release.ts';
import type { Revision, Track, TrackStatus } from '../api/revision.ts';
import type { Standing } from '../api/standing.ts';
import { isAbsent } from '../engine/application/absent.ts';
import { attemptsOf } from '../engine/track/claim.ts';
import { initialTrack, type TrackInput } from '../engine/track/input.ts';
import type { Store } from '../store/store.ts';
import { LABELS, RELEASED_BY_ANNOTATION } from './context.ts';
import type { Remembered } from './remembered.ts';
import { versionOf, wantedApplication } from './wanted.ts';

/** Where a directory's name or a commit stands on an Application, for people. */
export const SOURCE_ANNOTATION = 'slipway.dev/source';

export interface TrackName {
  readonly namespace: string;
  readonly application: string;
  readonly environment: string;
}

export interface GatheredTrack {
  /** Undefined only where a spec was given for one that is not stored yet. */
  readonly application: Stored<Application> | undefined;
  /** Undefined where it was deleted and something of the application is left there. */
  readonly environment: Stored<Environment> | undefined;
  readonly track: Stored<Track> | undefined;
  /** The track's name belongs to another application and environment: nothing may be written. */
  readonly foreign: boolean;
  readonly input: Omit<TrackInput, 'commands' | 'version' | 'now'>;
}

/**
 * Reads everything that a track's decision looks at; undefined when the application is not there, or neither the
 * environment nor anything that was left in it.
 * Of its releases those are read that are claimed and those of `asked`: history grows, and a decision must not
 * cost more with it.
 */
export async function gatherTrack(
  store: Store,
  where: TrackName,
  {
    now,
    spec,
    asked = [],
    standing = () => undefined,
    remembered,
  }: {
    now: number;
    spec?: unknown;
    asked?: readonly string[];
    standing?: (cluster: string, place: TrackName) => Standing | undefined;
    /** Absent: everything is worked out anew. */
    remembered?: Remembered;
  },
): Promise<GatheredTrack | undefined> {
  const { namespace } = where;
  // First: what it says was decided of what was there then. The rest may be newer, since the compare-and-set of the
  // track finds out; a rest that is older would be a claim whose revision is not there yet, and given up.
  const track = await store.get<Track>({
    kind: 'Track',
    namespace,
    name: `${where.application}-${where.environment}`,
  });
  const labels = { [LABELS.application]: where.application, [LABELS.environment]: where.environment };
  const [application, environment, revisions] = await Promise.all([
    store.get<Application>({ kind: 'Application', namespace, name: where.application }),
    store.get<Environment>({ kind: 'Environment', namespace, name: where.environment }),
    store.list<Revision>('Revision', { namespace, labels }),
  ]);
  if (application === undefined && spec === undefined) return undefined;
  const mine = belongsTo(track, where);
  if (environment === undefined && mine === undefined) return undefined;
  const status = mine?.status ?? (await trackAfter(store, where, revisions.items, now));
  const releases = await releasesOf(store, where, status, asked);
  const environmentSpec = await specOf(store, where, environment, remembered);
  const written = spec ?? application?.spec;
  const absent = isAbsent(written, where.environment);
  return {
    application,
    environment,
    track: mine,
    foreign: track !== mine,
    input: {
      ...where,
      environmentSpec,
      deleting: absent || application?.metadata.deletionTimestamp !== undefined,
      absent,
      auto: (written as { release?: string }).release !== 'manual',
      written,
      changedBy: application?.metadata.annotations?.[CHANGED_BY_ANNOTATION] ?? null,
      generation: application?.metadata.generation ?? 0,
      wanted:
        track !== mine
          ? nameTaken(track)
          : environment === undefined
            ? noEnvironment(where)
            : await wantedApplication(
                store,
                {
                  ...{ where, environmentSpec, written },
                  source: application?.metadata.annotations?.[SOURCE_ANNOTATION],
                  version:
                    spec === undefined && application !== undefined
                      ? askedBy(application, environment)
                      : null,
                },
                remembered,
              ),
      track: status,
      revisions: Object.fromEntries(
        revisions.items.map(({ metadata, spec: revision }) => [metadata.name, revision]),
      ),
      releases: Object.fromEntries(
        releases.flatMap(({ metadata, spec: release, status: state }) =>
          state === undefined ? [] : [[metadata.name, { spec: release, status: state }]],
        ),
      ),
      standings: allOf(environmentSpec.clusters.map((cluster) => standing(cluster, where))),
      work: await workOf(store, namespace, status, environmentSpec.clusters),
    },
  };
}

/** All of them, or null where one is not known. */
const allOf = (standings: readonly (Standing | undefined)[]): readonly Standing[] | null =>
  standings.every((each) => each !== undefined) ? standings : null;

/** Nothing can be released to it, and what runs there can still be taken away. */
const noEnvironment = ({ environment }: TrackName): TrackInput['wanted'] => ({
  ok: false,
  error: [
    {
      path: 'environment',
      message: `there is no environment ${environment} any more; make it again, or delete the application`,
    },
  ],
});

/** A spec keeps its generation while people and controllers write other things beside it. */
function askedBy({ metadata }: Stored<Application>, environment: Stored<Environment>): string {
  const { uid, generation, annotations } = metadata;
  return `${uid}/${generation} ${annotations?.[SOURCE_ANNOTATION] ?? ''} ${versionOf(environment)}`;
}

async function specOf(
  store: Store,
  where: TrackName,
  environment: Stored<Environment> | undefined,
  remembered: Remembered | undefined,
): Promise<EnvironmentSpec> {
  if (environment === undefined) return EnvironmentSpec.parse(await formerSpec(store, where));
  const read = () => EnvironmentSpec.parse(environment.spec);
  const name = `environment ${where.namespace}/${where.environment}`;
  return remembered === undefined ? read() : remembered.of(name, versionOf(environment), read);
}

/** What is known of an environment that is gone: the clusters that the latest release there went to. */
async function formerSpec(
  store: Store,
  { namespace, application, environment }: TrackName,
): Promise<{ clusters?: string[] }> {
  const labels = { [LABELS.application]: application, [LABELS.environment]: environment };
  const { items } = await store.list<Release>('Release', { namespace, labels });
  const latest = items.toSorted((a, b) => createdAt(b) - createdAt(a))[0];
  return latest === undefined ? {} : { clusters: latest.spec.clusters };
}

const createdAt = ({ metadata }: Stored): number => Date.parse(metadata.creationTimestamp);

async function releasesOf(
  store: Store,
  { namespace, application, environment }: TrackName,
  { active, queue, dropped = [] }: TrackStatus,
  asked: readonly string[],
): Promise<Stored<Release>[]> {
  const claimed = [active, ...queue, ...dropped.map(({ claim }) => claim)].flatMap((claim) =>
    claim === null ? [] : [claim.release],
  );
  const found = await Promise.all(
    [...new Set([...claimed, ...asked])].map((name) =>
      store.get<Release>({ kind: 'Release', namespace, name }),
    ),
  );
  return found.filter(
    (release) => release?.spec.application === application && release.spec.environment === environment,
  ) as Stored<Release>[];
}

/** Name of the order of one piece of work in one cluster; deterministic, so that making it twice makes one. */
export const workName = (work: string, cluster: string, clusters: readonly string[]): string =>
  clusters.length > 1 ? `${work}-${cluster}` : work;

/** What came of the work under way, over all clusters: undefined while one order is not made, failed where one is. */
async function workOf(
  store: Store,
  namespace: string,
  { work }: TrackStatus,
  clusters: readonly string[],
): Promise<ExecutionStatus | undefined> {
  if (work === null || work.execution === '') return undefined;
  const states: ExecutionStatus[] = [];
  for (const cluster of clusters) {
    const name = workName(work.execution, cluster, clusters);
    const execution = await store.get<Execution>({ kind: 'Execution', namespace, name });
    if (execution?.status === undefined) return undefined;
    states.push(execution.status);
  }
  const failed = states.find(
    ({ phase }) => phase === 'Failed' || phase === 'Refused' || phase === 'Cancelled',
  );
  return failed ?? states.find(({ phase }) => phase !== 'Succeeded') ?? states[0];
}

/** `shop-a` in `b` and `shop` in `a-b` would be one track: the first that is there keeps the name. */
const belongsTo = (track: Stored<Track> | undefined, where: TrackName): Stored<Track> | undefined =>
  track?.spec.application === where.application && track.spec.environment === where.environment
    ? track
    : undefined;

const nameTaken = (track: Stored<Track> | undefined): TrackInput['wanted'] => ({
  ok: false,
  error: [
    {
      path: 'metadata.name',
      message: `${track?.metadata.name} is taken by application ${track?.spec.application} in environment ${track?.spec.environment}; use another name`,
    },
  ],
});

/**
 * A track that is not there yet. Where one of this name was deleted, names and epochs go on above what it gave
 * out: agents remember epochs, and an object that is there already would stand for one that was never made.
 */
async function trackAfter(
  store: Store,
  { namespace, application, environment }: TrackName,
  revisions: readonly Stored<Revision>[],
  now: number,
): Promise<TrackStatus> {
  const labels = { [LABELS.application]: application, [LABELS.environment]: environment };
  const [{ items }, executions] = await Promise.all([
    store.list<Release>('Release', { namespace, labels }),
    store.list<Execution>('Execution', { namespace, labels }),
  ]);
  const works = executions.items.filter(({ spec }) => spec.release === null);
  const isNew = items.length === 0 && revisions.length === 0 && works.length === 0;
  // By the clock, above everything that nobody remembers; and above what is remembered, where the clock was set back.
  const epoch = isNew ? 0 : Math.max(Math.floor(now / 1_000), ...works.map(({ spec }) => spec.epoch));
  const released = items.map(({ metadata, spec }) => ({ name: metadata.name, to: spec.to }));
  // Retention takes releases before the revisions that they brought.
  const remembered = revisions.map(({ metadata: { name, annotations } }) => ({
    name: annotations?.[RELEASED_BY_ANNOTATION] ?? name,
    to: name,
  }));
  const attempts = attemptsOf([...released, ...remembered]);
  return { ...initialTrack(epoch), attempts };
}
