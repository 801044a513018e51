import type { Execution, GateRun, Receipt } from '../api/execution.ts';
import type { ApiObject, Stored } from '../api/meta.ts';
import type { Command, Release, ReleasePhase } from '../api/release.ts';
import type { Revision, Track } from '../api/revision.ts';

/** How long what is finished stays. Ages in ms. */
export interface RetentionPolicy {
  /** Finished releases that stay per application and environment, the newest ones. */
  readonly releases: number;
  /** Older finished releases go, also where they are fewer. */
  readonly releaseAgeMs: number;
  readonly commandAgeMs: number;
  /** Work outside releases (retiring, in place), by its end. */
  readonly executionAgeMs: number;
  /** What was just made may not be named by anything yet: an upload before its application, say. */
  readonly graceMs: number;
}

const DAY = 86_400_000;
export const RETENTION: RetentionPolicy = {
  releases: 20,
  releaseAgeMs: 90 * DAY,
  commandAgeMs: 30 * DAY,
  executionAgeMs: 7 * DAY,
  graceMs: DAY,
};

/** Everything that retention looks at, read at one time. */
export interface RetentionInput {
  readonly tracks: readonly Stored<Track>[];
  readonly releases: readonly Stored<Release>[];
  readonly executions: readonly Stored<Execution>[];
  readonly gateRuns: readonly Stored<GateRun>[];
  readonly receipts: readonly Stored<Receipt>[];
  readonly revisions: readonly Stored<Revision>[];
  readonly commands: readonly Stored<Command>[];
  /** Whose text may name artifacts: applications, templates and artifact objects. */
  readonly naming: readonly Stored[];
  readonly artifacts: readonly { readonly digest: string; readonly storedAt: number }[];
}

/**
 * What may go now. What something else names that is still there stays for this time, though that may go: it
 * is selected anew when its namer is gone. So nothing can lose what it names, whatever happens in between.
 */
export interface RetentionSelection {
  readonly releases: readonly Stored[];
  /** What is left of releases that are gone, revisions, settled commands, work outside releases. */
  readonly objects: readonly Stored[];
  /** By digest. */
  readonly artifacts: readonly string[];
}

const ENDED: ReadonlySet<ReleasePhase> = new Set([
  'Succeeded',
  'Aborted',
  'RolledBack',
  'Failed',
  'Superseded',
]);

/**
 * Selects what may go. Pure. INV-24 comes before any count or age: the live revision of each environment, the
 * warm ones, every claim and every release keep the revisions that they name, and those their artifacts.
 */
export function selectExpired(
  input: RetentionInput,
  policy: RetentionPolicy,
  nowMs: number,
): RetentionSelection {
  const there = new Set(input.releases.map(named));
  const isLeftOver = (object: Stored, release: string | null): boolean =>
    release !== null && !there.has(identity(object, release)) && isOld(object, policy.graceMs, nowMs);
  return {
    releases: expiredReleases(input, policy, nowMs),
    objects: [
      ...input.receipts.filter((receipt) => isLeftOver(receipt, receipt.spec.release)),
      ...input.gateRuns.filter((run) => isLeftOver(run, run.spec.release)),
      ...input.executions.filter(
        (execution) =>
          isLeftOver(execution, execution.spec.release) ||
          isExpiredOutside(execution, input.tracks, policy, nowMs),
      ),
      ...expiredRevisions(input, policy, nowMs),
      ...input.commands.filter((command) => isSettled(command) && isOld(command, policy.commandAgeMs, nowMs)),
    ],
    artifacts: unnamedArtifacts(input, policy, nowMs),
  };
}

function expiredReleases(
  input: RetentionInput,
  policy: RetentionPolicy,
  nowMs: number,
): readonly Stored<Release>[] {
  const held = new Set<string>();
  const wanted = new Set<string>();
  for (const track of input.tracks) {
    const { active, queue = [], live, warm = [] } = track.status ?? {};
    for (const claim of [active, ...queue]) if (claim) held.add(identity(track, claim.release));
    for (const revision of [live, ...warm.map((entry) => entry.revision)]) {
      if (revision) wanted.add(identity(track, revision));
    }
  }
  const expired: Stored<Release>[] = [];
  for (const group of groupedByTrack(input.releases)) {
    const newestFirst = group.toSorted((a, b) => createdAt(b) - createdAt(a) || version(b) - version(a));
    let finished = 0;
    for (const [index, release] of newestFirst.entries()) {
      if (!ENDED.has(release.status?.phase as ReleasePhase)) continue;
      finished += 1;
      const within =
        finished <= policy.releases &&
        nowMs - endedAt(release, release.status?.endedAt) <= policy.releaseAgeMs;
      // How the live and the warm revisions came to be stays told, and so does the latest release.
      const isLatestTo = wanted.delete(identity(release, release.spec.to));
      if (within || isLatestTo || index === 0 || held.has(named(release))) continue;
      expired.push(release);
    }
  }
  return expired;
}

function expiredRevisions(
  input: RetentionInput,
  policy: RetentionPolicy,
  nowMs: number,
): readonly Stored<Revision>[] {
  const needed = new Set<string>();
  for (const track of input.tracks) {
    const {
      live,
      warm = [],
      previous,
      earlier = [],
      work,
      active,
      queue = [],
      dropped = [],
    } = track.status ?? {};
    // A claim is a release that is not made yet: what it names is asked for when its turn comes.
    const claims = [active, ...queue, ...dropped.map(({ claim }) => claim)];
    // Where a rollback goes, and where the next one would: it may end while this pass goes on.
    const back = [previous, ...earlier.slice(-2)];
    const standing = [live, ...back, work?.revision, ...warm.map((entry) => entry.revision)];
    for (const revision of [...standing, ...claims.map((claim) => claim?.revision)]) {
      if (revision) needed.add(identity(track, revision));
    }
  }
  for (const release of input.releases) {
    for (const revision of [release.spec.from, release.spec.to]) {
      if (revision !== null) needed.add(identity(release, revision));
    }
  }
  for (const group of groupedByTrack(input.revisions)) {
    const newest = group.reduce((a, b) => (b.spec.number > a.spec.number ? b : a));
    needed.add(named(newest));
  }
  return input.revisions.filter(
    (revision) => !needed.has(named(revision)) && isOld(revision, policy.graceMs, nowMs),
  );
}

const DIGEST = /sha256:[0-9a-f]{64}/g;

/** Any mention counts, in whatever field: a digest that stands nowhere is needed by nobody. */
function unnamedArtifacts(input: RetentionInput, policy: RetentionPolicy, nowMs: number): readonly string[] {
  const running = input.executions.filter((execution) => execution.status?.endedAt == null);
  const mentioned = new Set<string>();
  for (const object of [...input.revisions, ...running, ...input.naming] as readonly Stored[]) {
    for (const [digest] of JSON.stringify(object).matchAll(DIGEST)) mentioned.add(digest);
  }
  return input.artifacts
    .filter(({ digest, storedAt }) => !mentioned.has(digest) && nowMs - storedAt > policy.graceMs)
    .map(({ digest }) => digest);
}

/** What a track's work waits for stays until the track has seen its end: without it the order would be made anew. */
function isExpiredOutside(
  execution: Stored<Execution>,
  tracks: RetentionInput['tracks'],
  policy: RetentionPolicy,
  nowMs: number,
): boolean {
  const { spec, status } = execution;
  if (spec.release !== null || status?.endedAt == null) return false;
  if (tracks.some((track) => worksOn(track, execution))) return false;
  // The agent's clock says when it ended, and may be behind.
  const at = Math.max(createdAt(execution), Date.parse(status.endedAt));
  return nowMs - at > policy.executionAgeMs;
}

/** One order for each cluster, and its name begins with that of the work. */
function worksOn(track: Stored<Track>, execution: Stored<Execution>): boolean {
  const order = track.status?.work?.execution;
  if (order === undefined || order === '') return false;
  const { name } = execution.metadata;
  return `${identity(execution, name)}-`.startsWith(`${identity(track, order)}-`);
}

const isSettled = (command: Stored<Command>): boolean =>
  command.status?.state === 'done' || command.status?.state === 'refused';

const identity = (within: ApiObject | Stored, name: string): string =>
  `${within.metadata.namespace ?? ''}/${name}`;
const named = (object: ApiObject | Stored): string => identity(object, object.metadata.name);
const createdAt = (object: Stored): number => Date.parse(object.metadata.creationTimestamp);
const version = (object: Stored): number => Number(object.metadata.resourceVersion);
const endedAt = (object: Stored, at: string | null | undefined): number =>
  at == null ? createdAt(object) : Date.parse(at);
const isOld = (object: Stored, ageMs: number, nowMs: number): boolean => nowMs - createdAt(object) > ageMs;

type OfTrack = Stored<Release> | Stored<Revision>;
function groupedByTrack<T extends OfTrack>(objects: readonly T[]): Iterable<T[]> {
  const groups = Map.groupBy(objects, ({ metadata, spec }) =>
    JSON.stringify([metadata.namespace, spec.application, spec.environment]),
  );
  return groups.values();
}
