import type { Application } from '../../api/application.ts';
import type { Stored } from '../../api/meta.ts';
import type { Track } from '../../api/revision.ts';
import type { Connection, Context } from '../context.ts';
import { cleanLine } from '../terminal/clean.ts';
import { shortRevision } from '../text/words.ts';

/** The manager looks at a change at once; one that is busy is not waited for longer. */
const LOOKED_AT_MS = 2_000;
const POLL_MS = 25;

/**
 * What an applied change of an application sets going, with the command that shows it. Waits until the manager
 * has looked at the change; where it has not in time, the application is where to look.
 */
export async function whatBegins(
  context: Context,
  { api, environment }: Connection,
  { metadata }: Stored,
): Promise<string[]> {
  const { name } = metadata;
  const deadline = context.clock.monotonic() + LOOKED_AT_MS;
  while (context.clock.monotonic() < deadline) {
    const application = await api.find<Application>('Application', name);
    if ((application?.status?.observedGeneration ?? 0) >= (metadata.generation ?? 1)) {
      const track = await api.find<Track>('Track', `${name}-${environment}`);
      return begun({ application: application as Stored<Application>, track, environment });
    }
    await context.clock.sleep(POLL_MS);
  }
  return [`  slipway describe app/${name}`];
}

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
    const behind = status?.active === null ? '' : ` behind ${status?.active.release}`;
    return [
      `  release ${queued.release} is queued${behind}`,
      `  slipway describe release/${queued.release} --watch`,
    ];
  }
  if (status?.active != null) {
    const { release } = status.active;
    return [`  release ${release} begins`, `  slipway describe release/${release} --watch`];
  }
  const type = environment === 'local' ? 'Ready' : `${environment}/Ready`;
  const condition = application.status?.conditions?.find((one) => one.type === type);
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
