import type { Track } from '../../api/revision.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Connection, Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { printObject } from '../output.ts';
import { cleanLine } from '../terminal/clean.ts';
import { giveCommand } from '../verbs.ts';
import { parseTimeout, watch } from './release-verb.ts';

export interface StartOptions {
  readonly watch?: boolean | undefined;
  readonly timeout?: string | undefined;
  readonly why?: string | undefined;
  /** Refuse any other plan than this one. */
  readonly plan?: string | undefined;
}

/** Asks for a release of the application as it stands, and watches it where that is wanted. */
export async function startRelease(
  context: Context,
  connection: Connection,
  name: string,
  options: StartOptions,
): Promise<ExitCode> {
  const { environment } = connection;
  const given = await giveCommand(connection, {
    kind: 'Application',
    name,
    verb: 'release',
    environment,
    why: options.why,
    parameters: { explicit: true, ...(options.plan === undefined ? {} : { plan: options.plan }) },
  });
  const release = given.status?.result?.release;
  const said = cleanLine(given.status?.message ?? '');
  if (typeof release !== 'string') {
    // Nothing that runs would change: as good as released, once replicas and routes are as the file says.
    if (options.watch === true && (await appliesInPlace(connection, name))) {
      const { watchInPlace } = await import('../progress/watch-in-place.ts');
      const timeoutMs = options.timeout === undefined ? undefined : parseTimeout(options.timeout);
      return await watchInPlace(context, connection, { application: name, timeoutMs });
    }
    if (!(await printObject(context, given))) context.print(`${context.paint.good('✓')} ${name}: ${said}.`);
    return EXIT.ok;
  }
  if (options.watch === true) return await watch(context, connection, release, options.timeout);
  if (!(await printObject(context, given))) {
    context.print(
      `${context.paint.good('✓')} ${name}: ${said}`,
      `  slipway describe release/${release} --watch`,
      `  slipway why ${release}`,
    );
  }
  return EXIT.ok;
}

/** Work or a waiting change: the manager has begun it in the same decision that answered the release. */
async function appliesInPlace({ api, environment, namespace }: Connection, name: string): Promise<boolean> {
  const track = await api.find<Track>('Track', `${name}-${environment}`, { namespace });
  const { work = null, change } = track?.status ?? {};
  return work !== null || (change !== undefined && change.state !== 'approved');
}

/** `--plan` as it is written by people: the beginning of the hash, at least as long as it is shown. */
export function checkPlanHash(text: string | undefined): void {
  if (text === undefined || /^(?:sha256:)?[0-9a-f]{6,64}$/.test(text)) return;
  throw new SlipwayError('badRequest', `--plan ${text} is no hash of a plan.`, {
    next: 'Take the one that "slipway plan" shows, such as 9c41f0.',
  });
}
