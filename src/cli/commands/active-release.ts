import type { ApiObject } from '../../api/meta.ts';
import type { Release } from '../../api/release.ts';
import type { Track } from '../../api/revision.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Connection, Context } from '../context.ts';
import { namedEnvironment } from '../environments.ts';
import { resolveName } from '../names.ts';
import { hasEnded } from '../progress/view.ts';
import { byAge } from '../text/order.ts';

/** Work that a claimed release waits for is over by then, or is a matter of its own. */
const ABOUT_TO_BEGIN_MS = 10_000;
const POLL_MS = 50;

/**
 * A release by its name, or of an application the one that is under way, else the latest one. Unique
 * beginnings of either are enough.
 */
export async function findActiveRelease(
  context: Context,
  connection: Connection,
  word: string,
): Promise<Release> {
  const { items } = await connection.api.list<Release>('Release', { namespace: connection.namespace });
  const names = items.map(({ metadata }) => metadata.name);
  const application = applicationMeant(word, names, items);
  if (application === undefined) {
    if (!names.some((name) => name.startsWith(word))) await refuseUnknown(connection, word, names);
    const name = resolveName(word, names, 'release');
    return items.find(({ metadata }) => metadata.name === name) ?? nothing(word);
  }
  const wanted = namedEnvironment(context);
  const all = items.filter(
    ({ spec }) => spec.application === application && (wanted === undefined || spec.environment === wanted),
  );
  const active = all.filter((release) => !hasEnded(release));
  const coming = active.length > 0 ? [] : await aboutToBegin(context, connection, application);
  const found = active.length > 0 ? active : coming.length > 0 ? coming : all;
  const environments = new Set(found.map(({ spec }) => spec.environment));
  // Of several, the one where a verb goes that names no environment.
  const home = connection.environment;
  const candidates = environments.has(home) ? found.filter(({ spec }) => spec.environment === home) : found;
  if (environments.size > 1 && !environments.has(home)) {
    throw new SlipwayError(
      'badRequest',
      `${application} has releases in ${[...environments].join(' and ')}.`,
      {
        next: 'Say which one with --env.',
      },
    );
  }
  return candidates.toSorted(byAge).at(0) ?? nothing(word);
}

/**
 * Releases that are claimed and not made yet, because what applies in place ends first: a verb given now is meant
 * for them and not for the one before. They are waited for as long as such work usually takes.
 */
async function aboutToBegin(
  context: Context,
  { api, namespace }: Connection,
  application: string,
): Promise<Release[]> {
  const { clock } = context;
  const wanted = namedEnvironment(context);
  const deadline = clock.monotonic() + ABOUT_TO_BEGIN_MS;
  for (;;) {
    const tracks = (await api.list<Track>('Track', { namespace })).items.filter(
      ({ spec }) => spec.application === application && (wanted === undefined || spec.environment === wanted),
    );
    const claimed = tracks.flatMap(({ status }) => (status?.active == null ? [] : [status.active.release]));
    const made = await Promise.all(claimed.map((name) => api.find<Release>('Release', name)));
    if (made.every((release) => release !== undefined)) return made.filter((release) => !hasEnded(release));
    if (clock.monotonic() >= deadline) {
      throw new SlipwayError('refused', `${claimed.join(' and ')} waits until other work has ended.`, {
        next: `slipway why ${application}`,
      });
    }
    await clock.sleep(POLL_MS);
  }
}

/** Undefined where the word is, or begins, the name of one release. */
function applicationMeant(
  word: string,
  names: readonly string[],
  releases: readonly Release[],
): string | undefined {
  if (names.includes(word)) return undefined;
  const applications = [...new Set(releases.map(({ spec }) => spec.application))];
  if (applications.includes(word)) return word;
  if (names.filter((name) => name.startsWith(word)).length === 1) return undefined;
  const matches = applications.filter((name) => name.startsWith(word));
  return matches.length === 1 ? matches[0] : undefined;
}

/** An application that was never released, or a name that is neither; with the nearest of both. */
async function refuseUnknown({ api }: Connection, word: string, releases: readonly string[]): Promise<void> {
  const applications = (await api.list<ApiObject>('Application')).items.map(({ metadata }) => metadata.name);
  const begun = applications.filter((name) => name.startsWith(word));
  const only = applications.includes(word) ? word : begun.length === 1 ? begun[0] : undefined;
  if (only !== undefined) {
    throw new SlipwayError('notFound', `${only} was never released.`, {
      next: `slipway release ${only} --watch`,
    });
  }
  resolveName(word, [...applications, ...releases], 'release or application');
}

function nothing(word: string): never {
  throw new SlipwayError('notFound', `There is no release of ${word}.`, { next: 'slipway get releases' });
}
