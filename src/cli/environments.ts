import type { ApplicationSpecInput } from '../api/application.ts';
import type { ApiObject } from '../api/meta.ts';
import type { Track } from '../api/revision.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { Connection, Context } from './context.ts';
import { list } from './text/words.ts';

/** As api/application has it; the command line loads no schemas. */
const DEFAULT = 'local';

/**
 * The environment that a person named, by `-e` or SLIPWAY_ENVIRONMENT; undefined where the default stands in. Only
 * what was named may narrow a change or a question to one environment.
 */
export const namedEnvironment = ({ options, io }: Pick<Context, 'options' | 'io'>): string | undefined =>
  options.env ?? (io.environment.SLIPWAY_ENVIRONMENT || undefined);

/** Environments that there are and that this application goes to: its changes begin releases in each of them. */
export async function environmentsOf(
  { api, namespace }: Connection,
  { name, spec }: { readonly name: string; readonly spec: unknown },
): Promise<string[]> {
  const [environments, tracks] = await Promise.all([
    api.list<ApiObject>('Environment', { namespace }),
    api.list<Track>('Track', { namespace }),
  ]);
  const named = Object.keys((spec as ApplicationSpecInput).environments ?? {});
  const stands = tracks.items.filter((track) => track.spec.application === name);
  const wanted = new Set([DEFAULT, ...named, ...stands.map((track) => track.spec.environment)]);
  return environments.items.map(({ metadata }) => metadata.name).filter((each) => wanted.has(each));
}

/** Before anything is written or uploaded for it: a slip of the keys changes nothing anywhere. */
export async function requireEnvironment({ api, namespace, environment }: Connection): Promise<void> {
  if ((await api.find<ApiObject>('Environment', environment, { namespace })) !== undefined) return;
  const { items } = await api.list<ApiObject>('Environment', { namespace });
  const names = items.map(({ metadata }) => metadata.name);
  const there =
    names.length === 0 ? 'There is none' : `There ${names.length > 1 ? 'are' : 'is'} ${list(names)}`;
  throw new SlipwayError(
    'notFound',
    `There is no environment ${environment} in namespace ${namespace}. ${there}. Nothing was changed.`,
    { next: 'slipway get environments' },
  );
}
