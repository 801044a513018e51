import type { Execution } from '../api/execution.ts';
import type { Release } from '../api/release.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { Store } from '../store/store.ts';

const ENDED_EXECUTION: ReadonlySet<string> = new Set(['Succeeded', 'Failed', 'Cancelled', 'Refused']);
const SHOWN = 10;

/**
 * Refuses to go on with releases and executions that another version of Slipway made and has not finished:
 * only that version advances them (INV-16).
 */
export async function refuseForeignWork(store: Store, version: string): Promise<void> {
  const [releases, executions] = await Promise.all([
    store.list<Release>('Release'),
    store.list<Execution>('Execution'),
  ]);
  const unfinished = [
    ...releases.items
      .filter(({ spec, status }) => spec.slipwayVersion !== version && !status?.endedAt)
      .map(({ metadata, spec, status }) => ({
        version: spec.slipwayVersion,
        words: `Release ${metadata.name} (${status?.phase ?? 'Pending'}, made by ${spec.slipwayVersion})`,
      })),
    ...executions.items
      .filter(
        ({ spec, status }) =>
          spec.slipwayVersion !== version && !ENDED_EXECUTION.has(status?.phase ?? 'Pending'),
      )
      .map(({ metadata, spec, status }) => ({
        version: spec.slipwayVersion,
        words: `Execution ${metadata.name} (${status?.phase ?? 'Pending'}, made by ${spec.slipwayVersion})`,
      })),
  ];
  if (unfinished.length === 0) return;
  const more = unfinished.length > SHOWN ? [`and ${unfinished.length - SHOWN} more`] : [];
  const versions = [...new Set(unfinished.map((one) => one.version))].join(', ');
  throw new SlipwayError(
    'refused',
    [
      `This is Slipway ${version}, and work of another version is not finished:`,
      ...unfinished.slice(0, SHOWN).map((one) => `  ${one.words}`),
      ...more.map((words) => `  ${words}`),
    ].join('\n'),
    { next: `start Slipway ${versions} here, let it finish or abort these, then start ${version}` },
  );
}
