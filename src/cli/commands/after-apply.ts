import type { Application } from '../../api/application.ts';
import type { Stored } from '../../api/meta.ts';
import type { Track } from '../../api/revision.ts';
import type { Connection, Context } from '../context.ts';
import { environmentsOf } from '../environments.ts';
import { cleanLine } from '../terminal/clean.ts';
import { shortRevision } from '../text/words.ts';

/** The manager looks at a change at once; one that is busy is not waited for longer. */
const LOOKED_AT_MS = 2_000;
const POLL_MS = 25;

/**
 * What an applied change of an application sets going, in every environment that it goes to, with the command that
 * shows it. Waits until the manager has looked at the change; where it has not in time, the application is where to
 * look.
 */
export async function whatBegins(
  context: Context,
  connection: Connection,
  { metadata, spec }: Stored,
): Promise<string[]> {
  const { name } = metadata;
  const { api, environment: home } = connection;
  const all = await environmentsOf(connection, { name, spec });
  const environments = all.length === 0 ? [home] : all.toSorted((a, b) => rank(a, home) - rank(b, home));
  const deadline = context.clock.monotonic() + LOOKED_AT_MS;
  const lines: string[] = [];
  for (const environment of environments) {
    const seen = await lookedAt(context, api, { metadata, environment }, deadline);
    const said = seen === undefined ? [`  slipway describe app/${name}`] : begun(seen);
    lines.push(...(environments.length > 1 ? inEnvironment(environment, said) : said));
  }
  return lines;
}

const rank = (environment: string, home: string): number => (environment === home ? 0 : 1);

/** `  release shop-staging-r2 begins` says where by itself; every other answer says it first. */
const inEnvironment = (environment: string, [first = '', ...rest]: readonly string[]): string[] => [
  `  in ${environment}: ${first.trimStart()}`,
  ...rest,
];

/** Undefined where the manager has not looked at the change in this environment in time. */
async function lookedAt(
  { clock }: Context,
  api: Connection['api'],
  { metadata, environment }: { readonly metadata: Stored['metadata']; readonly environment: string },
  deadline: number,
): Promise<LookedAt | undefined> {
  const { name, generation = 1 } = metadata;
  for (;;) {
    const application = await api.find<Application>('Application', name);
    const condition = application?.status?.conditions?.find(({ type }) => type === readyType(environment));
    if (application !== undefined && (condition?.observedGeneration ?? 0) >= generation) {
      const track = await api.find<Track>('Track', `${name}-${environment}`);
      return { application, track, environment };
    }
    if (clock.monotonic() >= deadline) return undefined;
    await clock.sleep(POLL_MS);
  }
}

/** As api/application has it; the command line loads no schemas. */
const readyType = (environment: string): string =>
  environment === 'local' ? 'Ready' : `${environment}/Ready`;

export interface LookedAt {
  readonly application: Application;
  readonly track: Track | undefined;
  readonly environment: string;
}

/** The release that was begun or queued; otherwise why there is none. Pure. */
export function begun({ application, track, environment }: LookedAt): string[] {
  const { name } = application.metadata;
  const manual = `  slipway release ${name} --watch`;
  const status = track?.status;
  const queued = status?.queue.at(-1);
  if (queued !== undefined) {
    const active = status?.active?.release;
    const place = queued.supersedes ? 'supersedes' : 'is queued behind';
    return [
      `  release ${queued.release} ${active === undefined ? 'is queued' : `${place} ${active}`}`,
      `  slipway describe release/${queued.release} --watch`,
    ];
  }
  if (status?.active != null) {
    const { release } = status.active;
    return [`  release ${release} begins`, `  slipway describe release/${release} --watch`];
  }
  const condition = application.status?.conditions?.find(({ type }) => type === readyType(environment));
  if (condition?.reason === 'Refused' || condition?.reason === 'Invalid')
    return [`  nothing is released: ${cleanLine(condition.message)}`];
  if (status?.hold != null)
    return [`  nothing is released: a rollback by ${cleanLine(status.hold.by)} holds its releases`, manual];
  if (application.spec.release === 'manual')
    return ['  nothing is released: its releases are manual', manual];
  if (condition?.reason === 'WaitingForApproval')
    return [`  no release, and nothing changes yet: ${cleanLine(condition.message)}`];
  return status?.live == null
    ? [manual]
    : [`  no release: what runs stays ${shortRevision(status.live)}; the rest applies in place`];
}
