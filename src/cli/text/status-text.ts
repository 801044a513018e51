import type { Release } from '../../api/release.ts';
import type { Track } from '../../api/revision.ts';
import type { WorkloadObservation } from '../../drivers/cluster-driver.ts';
import type { SupervisorStatus } from '../../embedded/supervisor-control.ts';
import { approversInWords } from '../../engine/approvers.ts';
import { formatDuration } from '../../lib/durations.ts';
import type { ManagerVersion } from '../../server/api-client.ts';
import type { Unmanaged } from '../../server/unmanaged.ts';
import { phaseOf, stageViews } from '../progress/view.ts';
import { cleanLine } from '../terminal/clean.ts';
import { type Paint, PLAIN } from '../terminal/paint.ts';
import { formatTable } from '../terminal/table.ts';
import { stageOutcome } from './plan-words.ts';
import { formatBytes, formatInstant, formatMs, shortRevision, shortSource } from './words.ts';

export interface SlipwayStatus {
  /** Of this command. */
  readonly version: string;
  readonly data: string;
  /** Null on another machine, or where none answers. */
  readonly supervisor: SupervisorStatus | null;
  /** It should have one on this machine. */
  readonly local?: boolean;
  readonly manager: ManagerVersion | null;
  /** Why the manager did not answer. */
  readonly problem: string | null;
}

export interface ApplicationStatus {
  readonly application: string;
  /** Null: it was never released. */
  readonly track: Track | null;
  /** The one under way. */
  readonly release: Release | null;
  /** Where the live revision came from; absent where nobody said. */
  readonly source?: string;
  readonly workloads: readonly (WorkloadObservation & { readonly cluster: string })[];
  /** Why the instances could not be asked for. */
  readonly problem: string | null;
}

export interface WholeStatus {
  readonly slipway: SlipwayStatus;
  readonly applications: readonly ApplicationStatus[];
  /** What runs and belongs to none of them. */
  readonly unmanaged?: readonly Unmanaged[];
  /** Whose applications these are. */
  readonly namespace?: string;
}

const FIRST_NAMESPACE = 'default';

/** Another namespace than the first may be a slip of the keys. */
const noApplication = (namespace: string): string =>
  namespace === FIRST_NAMESPACE
    ? 'There is no application yet: slipway init, then slipway release -f app.yaml --watch'
    : `There is no application in namespace ${namespace}; of every namespace: slipway get apps -A`;

/** Slipway itself first, then each application with its versions and instances. */
export function statusText(
  { slipway, applications, unmanaged = [], namespace = FIRST_NAMESPACE }: WholeStatus,
  now: number,
  paint: Paint = PLAIN,
): string[] {
  return [
    ...slipwayLines(slipway, now, paint),
    ...applications.flatMap((one) => ['', ...applicationLines(one, now, paint)]),
    ...unmanaged.flatMap((one) => ['', ...unmanagedLines(one, paint)]),
    ...(slipway.manager !== null && applications.length === 0 ? ['', noApplication(namespace)] : []),
  ];
}

/** Somebody may be served by it: nothing is done about it, and what can be done is said. */
function unmanagedLines({ application, environment, workloads }: Unmanaged, paint: Paint): string[] {
  const runs = workloads.map(({ version, ready, wanted }) => `${version} ${ready} of ${wanted}`).join(', ');
  return [
    `${paint.warn('!')} ${application} in ${environment} runs and belongs to no application here: ${runs}`,
    '  apply its file to take its place with a new revision, or restore a later backup',
  ];
}

/** What finds no way to a manager may begin so itself. */
const NOT_UP = 'Slipway is not up';

function slipwayLines(
  { supervisor, manager, problem, data, version, local }: SlipwayStatus,
  now: number,
  paint: Paint,
): string[] {
  if (supervisor === null && manager === null) {
    const why = cleanLine(problem ?? 'nothing answers').replace(/\.$/, '');
    const words = why.startsWith(NOT_UP) ? why : `${NOT_UP}: ${why}`;
    return [`${paint.bad('✗')} ${words}.`, '  slipway up'];
  }
  const orphaned = supervisor === null && local === true;
  const up =
    manager !== null && !orphaned && (supervisor?.roles.every(({ state }) => state === 'ready') ?? true);
  const sign = up ? paint.good('✓') : paint.warn('!');
  const since =
    supervisor === null
      ? ''
      : ` since ${formatInstant(supervisor.since, now)} (${formatDuration(Math.max(0, now - Date.parse(supervisor.since)))})`;
  const runs = manager?.version ?? supervisor?.version ?? version;
  return [
    `${sign} Slipway ${runs} is ${up ? 'up' : 'partly up'}${since}${supervisor === null ? '' : ` · data ${data}`}`,
    ...(supervisor === null ? [] : processLines(supervisor, now)),
    ...(supervisor === null
      ? []
      : [`  API ${supervisor.urls.api} · traffic ${supervisor.urls.entry.join(', ')}`]),
    ...(orphaned ? ['  the supervisor does not answer; the router starts a new one within seconds'] : []),
    ...(manager?.clusters ?? [])
      .filter(({ connected }) => !connected)
      .map(({ name }) => `  ${paint.bad('✗')} the agent of ${name} is not connected`),
    ...(problem === null ? [] : [`  ${paint.bad('✗')} the manager does not answer: ${cleanLine(problem)}`]),
    ...(supervisor?.warnings ?? []).map((warning) => `  ${paint.warn('!')} ${cleanLine(warning)}`),
    ...(runs === version ? [] : [`  ${paint.warn('!')} this command is version ${version}`]),
  ];
}

function processLines({ roles, pid }: SupervisorStatus, now: number): string[] {
  const rows = [
    ['supervisor', 'ready', String(pid), '0', ''],
    ...roles.map((one) => [
      one.role,
      one.state,
      String(one.pid ?? ''),
      String(one.restarts),
      one.message ?? '',
    ]),
  ];
  void now;
  return formatTable(
    ['PROCESS', 'STATE', 'PID', 'RESTARTS', 'MESSAGE'],
    rows.map((row) => (rows.every((one) => one[4] === '') ? row.slice(0, 4) : row)),
  ).map((line) => `  ${line}`);
}

/** A change in place that a protected environment does not take before a person's word. */
export function changeLines({ spec, status }: Track, paint: Paint = PLAIN): string[] {
  const change = status?.change;
  if (change === undefined || change.state === 'approved' || status?.active != null) return [];
  const said =
    change.state === 'waiting'
      ? `waits for the approval of ${approversInWords(change.who)}`
      : `was rejected by ${change.by}`;
  return [
    `  ${paint.warn('!')} change ${change.digest.slice(0, 6)} (${cleanLine(change.summary)}) ${cleanLine(said)}: slipway approve ${spec.application} -e ${spec.environment}`,
  ];
}

/** Releases that have their name and wait: nothing else of them can be seen yet. */
export function queueLines({ status }: Pick<Track, 'status'>): string[] {
  return (status?.queue ?? []).map(({ release, by, supersedes }, at) => {
    const first = status?.active?.release;
    const place = supersedes && at === 0 && first !== undefined ? `supersedes ${first}` : 'is queued';
    return `  release ${release} of ${cleanLine(by)} ${place} (slipway abort ${release})`;
  });
}

function applicationLines(status: ApplicationStatus, now: number, paint: Paint): string[] {
  const { application, track, release, workloads, problem } = status;
  if (track === null)
    return [`${paint.strong(application)} was never released: slipway release ${application} --watch`];
  const shares = trafficShares(status);
  const what = servingWords(shares, status);
  const under =
    release === null
      ? ''
      : ` · release ${release.metadata.name} is ${phaseOf(release)} (slipway why ${release.metadata.name})`;
  const hold = track.status?.hold ?? null;
  const rows = workloads.flatMap((workload) =>
    workload.instances.map((one) => [
      workload.key.version,
      takesTraffic(workload, status) ? share(shares, workload.key.version) : '',
      one.id,
      stateWords(one, workload, status, shares),
      one.port === null ? '' : String(one.port),
      String(one.restarts),
      // What runs has memory: none at all means that it was not measured yet.
      one.rssBytes === null || one.rssBytes === 0 ? '' : formatBytes(one.rssBytes),
      one.cpuMs === null || one.rssBytes === 0 ? '' : formatMs(one.cpuMs),
      formatDuration(Math.max(0, now - Date.parse(one.startedAt))),
    ]),
  );
  return [
    `${paint.strong(application)} in ${track.spec.environment} · ${what}${under}`,
    ...(hold === null
      ? []
      : [
          `  ${paint.warn('!')} releases are on hold by ${cleanLine(hold.by)}: slipway resume ${application}`,
        ]),
    ...queueLines(track),
    ...changeLines(track, paint),
    ...workloads.flatMap(({ key, problem: trouble }) =>
      trouble === null ? [] : [`  ${paint.bad('✗')} ${key.version}: ${cleanLine(trouble.message)}`],
    ),
    ...(problem === null ? [] : [`  ${paint.bad('✗')} ${cleanLine(problem)}`]),
    ...(rows.length === 0
      ? []
      : formatTable(
          ['VERSION', 'TRAFFIC', 'INSTANCE', 'STATE', 'PORT', 'RESTARTS', 'MEMORY', 'CPU', 'SINCE'],
          rows,
        ).map((line) => `  ${line}`)),
  ];
}

/** Users meet what has a share: while a release is between two versions, both. */
function servingWords(
  shares: ReadonlyMap<string, number>,
  { workloads, track, source }: ApplicationStatus,
): string {
  const serving = [...shares].filter(([, percent]) => percent > 0).map(([revision]) => revision);
  if (serving.length === 0) return 'nothing is live';
  const live = shortRevision(track?.status?.live ?? null);
  const from = source === undefined ? '' : ` (${shortSource(source)})`;
  const named = serving.map((one) => (one === live ? `${one}${from}` : one)).join(' and ');
  // Its instances are known and none takes requests, as just after `up`: the name alone serves nobody.
  const behind = workloads
    .filter(({ key }) => serving.includes(shortRevision(key.version)))
    .flatMap(({ instances }) => instances.filter(({ port }) => port !== null));
  if (behind.length > 0 && behind.every(({ admitted }) => !admitted))
    return `${named} is live, and no instance of it answers yet`;
  return serving.length === 1 ? `${named} serves` : `${named} serve`;
}

type Observed = ApplicationStatus['workloads'][number];

/** Requests can reach it: workers listen nowhere, and a service without a route is nobody's way in. */
function takesTraffic({ key, instances }: Observed, { track, release }: ApplicationStatus): boolean {
  if (instances.every(({ port }) => port === null)) return false;
  const routes = [...(track?.status?.standing?.routes ?? []), ...(release?.spec.routes ?? [])];
  const named = routes.flatMap(({ workload }) => (workload === undefined ? [] : [workload]));
  return named.length === 0 || named.includes(key.workload);
}

/** Ready without a share of the traffic is no serving: it is kept warm, or not flipped to yet. */
function stateWords(
  one: Observed['instances'][number],
  workload: Observed,
  status: ApplicationStatus,
  shares: ReadonlyMap<string, number>,
): string {
  if (one.state !== 'ready' || !takesTraffic(workload, status)) return one.state;
  const revision = shortRevision(workload.key.version);
  if (one.admitted && (shares.get(revision) ?? 0) > 0) return 'serving';
  const warm = status.track?.status?.warm ?? [];
  return warm.some((each) => shortRevision(each.revision) === revision) ? 'warm' : one.state;
}

const share = (shares: ReadonlyMap<string, number>, version: string): string => {
  const found = shares.get(shortRevision(version));
  return found === undefined ? '' : `${found} %`;
};

/**
 * Wished shares by revision (`r2` → 67): all on the live one, or what the latest stage of the release
 * under way that wrote them has set.
 */
function trafficShares({ track, release }: ApplicationStatus): ReadonlyMap<string, number> {
  const live = track?.status?.live ?? null;
  if (release === null) return new Map(live === null ? [] : [[shortRevision(live), 100]]);
  const { from, to } = release.spec;
  // Also of a stage that waits at its end: its traffic is written.
  const done = stageViews({ release, executions: [], gateRuns: [] }).filter(
    ({ status }) => status?.flip != null || ['gatesAfter', 'waiting', 'done'].includes(status?.state ?? ''),
  );
  const shares = done
    .map(({ stage }) => stageOutcome(stage, release.spec).share)
    .filter((one) => one !== null);
  const onNew = shares.at(-1) ?? 0;
  return new Map([
    ...(from === null ? [] : [[shortRevision(from), 100 - onNew] as const]),
    [shortRevision(to), onNew] as const,
  ]);
}
