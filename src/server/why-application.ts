import { type Application, DEFAULT_ENVIRONMENT, readyType } from '../api/application.ts';
import type { Environment } from '../api/environment.ts';
import { API_PREFIX } from '../api/kind-names.ts';
import { kindOf } from '../api/kinds.ts';
import { Name, type Stored } from '../api/meta.ts';
import type { Release, Waiting } from '../api/release.ts';
import type { Track } from '../api/revision.ts';
import { approversInWords } from '../engine/approvers.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { ServerDependencies } from './dependencies.ts';
import { requireObject } from './resource-reads.ts';
import type { Call, Route } from './route.ts';
import { type Explanation, explain } from './why.ts';

/** What is known of one application in one environment. */
export interface ApplicationView {
  readonly application: Pick<Application, 'metadata' | 'status'>;
  readonly environment: string;
  readonly environmentExists: boolean;
  readonly track: Pick<Track, 'status'> | undefined;
  /** The one under way, where it is made. */
  readonly release: Pick<Release, 'metadata' | 'status'> | undefined;
}

export function whyApplicationRoutes(deps: ServerDependencies): Route[] {
  return [
    {
      method: 'GET',
      url: `${API_PREFIX}/namespaces/:namespace/applications/:name/why`,
      verb: 'get',
      resource: 'applications/why',
      kind: 'Application',
      summary: 'Say what stands between an application as it was applied and what serves; ?environment=',
      handle: async (call) => ({ json: explainApplication(await view(call, deps), deps.clock.now()) }),
    },
  ];
}

/** From the status alone: the engine has put the reasons there. `now` in ms since 1970. */
export function explainApplication(view: ApplicationView, now: number): Explanation {
  const { application, environment, environmentExists, track, release } = view;
  const { name, generation } = application.metadata;
  const cannot = `${name} cannot be released to ${environment}`;
  if (!environmentExists) {
    const left = track?.status?.live ?? null;
    return {
      sentence: `${cannot}: there is no environment ${environment}.`,
      lines: [
        ...(left === null ? [] : [`${left} still serves there.`]),
        'Whoever may change environments can unblock it:',
        '  slipway get environments',
        '  slipway apply -f ENVIRONMENT.yaml',
      ],
      waiting: null,
    };
  }
  if (release !== undefined) return explain(release.metadata.name, release.status, now);
  const active = track?.status?.active ?? null;
  if (active !== null)
    return {
      sentence: `Release ${active.release} begins when ${workWords(track?.status?.work)} is done.`,
      lines: [],
      waiting: null,
    };
  const condition = application.status?.conditions?.find(({ type }) => type === readyType(environment));
  if (condition === undefined || (condition.observedGeneration ?? 0) < (generation ?? 0)) {
    return {
      sentence: `${name} in ${environment} has not been looked at by a controller yet.`,
      lines: [],
      waiting: null,
    };
  }
  if (condition.status === 'True')
    return {
      sentence: `${name} in ${environment} waits for nothing: ${condition.message}.`,
      lines: [],
      waiting: null,
    };
  const waiting = waitingChange(view);
  const blocked = condition.reason === 'Invalid' || condition.reason === 'Refused';
  return {
    sentence: blocked
      ? `${cannot}: ${condition.message}.`
      : `${name} in ${environment}: ${condition.message}.`,
    lines: blocked ? unblockedBy(condition.message) : [],
    waiting,
  };
}

/** A secret that is missing is set; whatever else stands against it is mended in the application's file. */
function unblockedBy(message: string): string[] {
  const sets = new Set([...message.matchAll(/slipway secret set \S+ [^\s;]+/g)].map(([command]) => command));
  return sets.size > 0
    ? ['Whoever may set secrets can unblock it:', ...[...sets].map((command) => `  ${command}`)]
    : ['Whoever may change the application can unblock it:', '  slipway apply -f app.yaml'];
}

/** Work outside releases, in the words of who set it going. */
function workWords(work: NonNullable<Track['status']>['work'] | undefined): string {
  switch (work?.purpose) {
    case 'retire':
      return `the removal of ${work.revision}, which was kept warm,`;
    case 'inPlace':
      return work.repairs === undefined
        ? 'the change of replicas or routes under way'
        : `the work that brings back what is live (${work.repairs})`;
    case 'restart':
      return `the restart of ${work.revision}`;
    case 'delete':
      return `the removal of ${work.revision}`;
    default:
      return 'the work under way outside releases';
  }
}

/** A change in place that waits for an approval reads as a release's does. */
function waitingChange({ application, environment, track }: ApplicationView): Waiting | null {
  const change = track?.status?.change;
  if (change?.state !== 'waiting') return null;
  const target = `${application.metadata.name} -e ${environment}`;
  return {
    for: 'approval',
    message: `Waiting for approval of change ${change.digest.slice(0, 6)}: ${change.summary}`,
    who: approversInWords(change.who),
    commands: [`slipway approve ${target}`, `slipway reject ${target}`],
    since: change.since,
    expiresAt: change.expiresAt,
    onExpiry: 'it is rejected',
  };
}

async function view(call: Call, deps: ServerDependencies): Promise<ApplicationView> {
  const { store } = deps;
  const application = await requireObject<Application>(kindOf('Application'), call, deps);
  const { name, namespace } = application.metadata;
  const tracks = (await store.list<Track>('Track', { namespace })).items.filter(
    ({ spec }) => spec.application === name,
  );
  const environment = environmentOf(call, application, tracks);
  const track = tracks.find(({ spec }) => spec.environment === environment);
  const active = track?.status?.active?.release;
  const [stored, release] = await Promise.all([
    store.get<Environment>({ kind: 'Environment', namespace, name: environment }),
    active === undefined ? undefined : store.get<Release>({ kind: 'Release', namespace, name: active }),
  ]);
  return { application, environment, environmentExists: stored !== undefined, track, release };
}

/** The one that is asked for; else the only one that the application is in, or the only one with something to say. */
function environmentOf(
  call: Call,
  { metadata, status }: Stored<Application>,
  tracks: readonly Stored<Track>[],
): string {
  const asked = call.query.environment;
  if (asked !== undefined && asked !== '') {
    if (Name.safeParse(asked).success) return asked;
    throw new SlipwayError('badRequest', `environment ${JSON.stringify(asked.slice(0, 80))} is no name`);
  }
  const all = tracks.map(({ spec }) => spec.environment);
  if (all.length <= 1) return all[0] ?? DEFAULT_ENVIRONMENT;
  const ready = (environment: string) =>
    status?.conditions?.find(({ type }) => type === readyType(environment))?.status === 'True';
  const open = all.filter((environment) => !ready(environment));
  if (open.length === 1 && open[0] !== undefined) return open[0];
  throw new SlipwayError('badRequest', `${metadata.name} is in ${all.sort().join(' and ')}: say which`, {
    next: `slipway why ${metadata.name} -e ${all[0]}`,
  });
}
