import type { Application } from '../../api/application.ts';
import type { Stored } from '../../api/meta.ts';
import type { Track } from '../../api/revision.ts';
import { gatherTrack } from '../../controllers/track-input.ts';
import { decideTrack } from '../../engine/track/decide-track.ts';
import { canonicalJson } from '../../lib/digest.ts';
import type { Store } from '../../store/store.ts';
import { objectsOf, type World } from './rule.ts';

/**
 * The end state is what the committed history implies (docs/adr/0007-simulator.md): whoever decides once more, from
 * what the store holds and with no memory of the run, finds nothing left to do. What the file says is live then, or
 * the track says why it is not: a hold, a refusal, a release that was turned back, a person who is asked.
 *
 * @param now as the manager's clock shows it, ms since 1970
 */
export async function checkEnd(world: World, store: Store, now: number, version: string): Promise<void> {
  for (const object of objectsOf(world, 'Track')) {
    const { metadata, spec, status } = object as Stored<Track>;
    const where = {
      namespace: metadata.namespace ?? '',
      application: spec.application,
      environment: spec.environment,
    };
    const gathered = await gatherTrack(store, where, { now });
    if (gathered === undefined || status === undefined) continue;
    const { track, effects } = decideTrack({ ...gathered.input, commands: [], version, now });
    if (effects.length > 0)
      world.violated(
        'END',
        `${metadata.name} is at rest, and there is ${effects.map(({ type }) => type).join(', ')} to do`,
      );
    else if (canonicalJson(lasting(track)) !== canonicalJson(lasting(status)))
      world.violated(
        'END',
        `${metadata.name} is at rest, and whoever looks at it decides anew: ${differences(lasting(status), lasting(track))}`,
      );
  }
  for (const object of objectsOf(world, 'Application')) {
    const { metadata, spec } = object as Stored<Application>;
    if (metadata.deletionTimestamp !== undefined) continue;
    for (const environment of new Set(['local', ...Object.keys(spec.environments ?? {})]))
      if (!world.objects.has(`Track/${metadata.namespace}/${metadata.name}-${environment}`))
        world.violated('END', `${metadata.name} was applied, and nobody looked at it in ${environment}`);
  }
}

const differences = (before: object, after: object): string =>
  Object.keys({ ...before, ...after })
    .filter(
      (key) => canonicalJson(before[key as never] ?? null) !== canonicalJson(after[key as never] ?? null),
    )
    .map(
      (key) =>
        `${key} ${canonicalJson(before[key as never] ?? null)} → ${canonicalJson(after[key as never] ?? null)}`,
    )
    .join(', ')
    .slice(0, 600);

/** Without what only a clock changes, and the memory of names whose revisions were collected. */
const lasting = ({ change: _change, attempts: _attempts, ...track }: NonNullable<Track['status']>) => track;
