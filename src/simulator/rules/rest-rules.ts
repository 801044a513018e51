import type { Application } from '../../api/application.ts';
import type { GateRun } from '../../api/execution.ts';
import type { Stored } from '../../api/meta.ts';
import type { Command, Release } from '../../api/release.ts';
import type { Revision, Track } from '../../api/revision.ts';
import { versionName } from '../../engine/application/revision.ts';
import { hasEnded } from '../../engine/release/state.ts';
import { workloadId } from '../cluster-effect.ts';
import type { Acknowledged } from '../operators.ts';
import { objectsOf, releasesOf, type World } from './rule.ts';

/** Who may be waited for at rest. */
const PEOPLE = (who: string): boolean => who !== 'nobody' && who !== '';

/** What still moves; empty when everything is at rest. */
export function unrest(world: World): string[] {
  const reasons: string[] = [];
  for (const release of releasesOf(world)) {
    const phase = release.status?.phase ?? 'Pending';
    if (!hasEnded(phase))
      reasons.push(`${release.metadata.name} is ${phase}: ${release.status?.waiting.message ?? ''}`);
  }
  for (const object of objectsOf(world, 'Track')) {
    const { metadata, status } = object as Stored<Track>;
    if (status?.active) reasons.push(`${metadata.name} has the claim of ${status.active.release}`);
    if (status?.work) reasons.push(`${metadata.name} works on ${status.work.purpose}`);
    if ((status?.queue.length ?? 0) > 0) reasons.push(`${metadata.name} has a queue`);
    if ((status?.warm.length ?? 0) > 0) reasons.push(`${metadata.name} has warm revisions`);
  }
  for (const service of world.cluster.hand.standing) reasons.push(`somebody's word stands at ${service}`);
  for (const object of objectsOf(world, 'Application'))
    if (object.metadata.deletionTimestamp !== undefined)
      reasons.push(`${object.metadata.name} is being deleted`);
  for (const object of objectsOf(world, 'Command')) {
    const { metadata, status } = object as Stored<Command>;
    if (status === undefined || status.state === 'pending')
      reasons.push(`command ${metadata.name} is not answered`);
  }
  return reasons;
}

/** An expiry is noticed so soon, ms. */
const EXPIRY_MS = 10_000;
/** And work that fails again and again keeps nothing from its turn for longer than this, ms. */
const WORKING_MS = 180_000;

/**
 * Rules of the end: INV-28, nothing that was acknowledged is lost, and what runs is what the track says.
 *
 * @param now as the manager's clock shows it, ms since 1970
 */
export function checkRest(
  world: World,
  acknowledged: readonly Acknowledged[],
  collected: ReadonlySet<string>,
  now: number,
): void {
  for (const release of releasesOf(world)) stuck(world, release, now);
  for (const object of objectsOf(world, 'Command')) {
    const { metadata, spec, status } = object as Stored<Command>;
    if (status === undefined || status.state === 'pending')
      world.violated('INV-28', `command ${metadata.name} (${spec.verb}) was never answered`);
  }
  for (const object of objectsOf(world, 'GateRun')) {
    const { metadata, spec, status } = object as Stored<GateRun>;
    const release = releasesOf(world).find((each) => each.metadata.name === spec.release);
    if (status?.state !== 'done' && release?.status !== undefined && hasEnded(release.status.phase))
      world.violated('INV-28', `${metadata.name} still says ${status?.state}, and its release has ended`);
  }
  for (const { kind, name, uid } of acknowledged) {
    // Applications that people deleted are gone by their own word.
    if (kind === 'Application' || collected.has(uid)) continue;
    if (world.objects.get(`${kind}/default/${name}`)?.metadata.uid !== uid)
      world.violated('INV-13', `${kind} ${name} was acknowledged and is lost`);
  }
  const wanted = new Set<string>();
  for (const object of objectsOf(world, 'Track')) {
    standing(world, object as Stored<Track>, wanted);
    retired(world, object as Stored<Track>, now);
  }
  for (const [id, workload] of world.cluster.workloads)
    if (!wanted.has(id) && workload.wish.replicas > 0)
      world.violated('INV-28', `${id} runs ${workload.wish.replicas} times and no track names it`);
}

/** INV-28: every release has ended or says for which person it waits. */
function stuck(world: World, { metadata, status }: Stored<Release>, now: number): void {
  if (status === undefined) {
    world.violated('INV-28', `${metadata.name} never began`);
    return;
  }
  if (hasEnded(status.phase)) return;
  const expiresAt = Date.parse(status.pause?.expiresAt ?? '');
  if (now - expiresAt > EXPIRY_MS)
    world.violated(
      'INV-28',
      `${metadata.name} is still paused, and its pause was over at ${status.pause?.expiresAt}`,
    );
  const { who, message } = status.waiting;
  if (PEOPLE(who)) return;
  world.violated('INV-28', `${metadata.name} is still ${status.phase}, waiting for ${who}: ${message}`);
}

/** Nothing is kept warm beyond its time where nobody is waited for. */
function retired(world: World, { metadata, status }: Stored<Track>, now: number): void {
  if (status === undefined || status.active !== null) return;
  const limitMs = status.work === null ? EXPIRY_MS : WORKING_MS;
  for (const { revision, expiresAt } of status.warm)
    if (now - Date.parse(expiresAt) > limitMs)
      world.violated(
        'INV-28',
        `${revision} is still warm in ${metadata.name}, and it was to go at ${expiresAt}`,
      );
}

/** The live revision has all the traffic and every instance that its programs allow. */
function standing(world: World, track: Stored<Track>, wanted: Set<string>): void {
  const { status, spec } = track;
  if (status === undefined) return;
  const tries = status.work?.purpose === 'inPlace' && isUnsteady(world, track);
  if (!tries && (status.active !== null || status.work !== null)) {
    const release =
      status.active === null
        ? null
        : releasesOf(world).find((r) => r.metadata.name === status.active?.release);
    const waits = release?.status !== undefined && PEOPLE(release.status.waiting.who);
    if (!waits)
      world.violated(
        'INV-28',
        `${track.metadata.name} still ${status.work === null ? 'has a claim' : `works on ${status.work.purpose}`}`,
      );
  }
  const application = world.objects.get(`Application/default/${spec.application}`) as
    | Stored<Application>
    | undefined;
  for (const name of [status.live, ...status.warm.map(({ revision }) => revision), status.active?.revision]) {
    const revision = world.objects.get(`Revision/default/${name}`) as Stored<Revision> | undefined;
    for (const { name: workload } of revision?.spec.workloads ?? [])
      wanted.add(workloadId(keyOf(track, workload, revision as Stored<Revision>)));
  }
  if (status.live === null || status.active !== null || application === undefined) return;
  const live = world.objects.get(`Revision/default/${status.live}`) as Stored<Revision> | undefined;
  if (live === undefined) {
    world.violated('INV-24', `the live revision ${status.live} is gone`);
    return;
  }
  for (const workload of live.spec.workloads) {
    if (workload.type === 'migration') continue;
    const key = keyOf(track, workload.name, live);
    const running = world.cluster.workloads.get(workloadId(key));
    const want = status.replicas?.[workload.name];
    if (running === undefined) {
      world.violated('INV-28', `${key.version} is live and does not run`);
      continue;
    }
    if (!tries && want !== undefined && running.wish.replicas !== want)
      world.violated('INV-28', `${key.version} is live with ${running.wish.replicas} of ${want} instances`);
    if (workload.type !== 'service') continue;
    const weights = world.cluster.weights(running.service);
    if (Object.keys(weights).length > 0 && weights[key.version] !== 100)
      world.violated(
        'INV-28',
        `${key.version} is live and has ${weights[key.version] ?? 0} % of the traffic`,
      );
  }
}

/** Its instances crash by themselves as long as they live: all of them may never be ready at once. */
function isUnsteady(world: World, track: Stored<Track>): boolean {
  const live = world.objects.get(`Revision/default/${track.status?.live}`) as Stored<Revision> | undefined;
  return (live?.spec.workloads ?? []).some(({ env }) => world.cluster.programs.of(env).crashEveryMs !== null);
}

function keyOf(track: Stored<Track>, workload: string, revision: Stored<Revision>) {
  const { application, environment } = track.spec;
  const version = versionName(workload, revision.spec.number);
  return { namespace: 'default', application, environment, workload, version };
}
