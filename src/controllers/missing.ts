import type { Store } from '../store/store.ts';
import type { TrackName } from './track-input.ts';

/** What is not there, with what is: a slip of the keys is seen at once. */
export interface Missing {
  readonly message: string;
  /** What to run next. */
  readonly next: string;
}

const MOST = 8;

/** Which of the two, application or environment, is missing. Asked only after one of them was not found. */
export async function whatIsMissing(
  store: Store,
  { namespace, application, environment }: TrackName,
): Promise<Missing> {
  const named = async (kind: string) =>
    (await store.list(kind, { namespace })).items.map(({ metadata }) => metadata.name).sort();
  const [applications, environments] = await Promise.all([named('Application'), named('Environment')]);
  const parts = [
    ...(applications.includes(application) ? [] : [sentence('application', application, applications)]),
    ...(environments.includes(environment) ? [] : [sentence('environment', environment, environments)]),
  ];
  const kind = applications.includes(application) ? 'environments' : 'applications';
  return { message: `${parts.join('; ')} (namespace ${namespace})`, next: `slipway get ${kind}` };
}

function sentence(kind: string, name: string, there: readonly string[]): string {
  const more = there.length > MOST ? ` and ${there.length - MOST} more` : '';
  const list = there.length === 0 ? 'none' : `${there.slice(0, MOST).join(', ')}${more}`;
  return `there is no ${kind} ${name}; there ${there.length > 1 ? 'are' : 'is'} ${list}`;
}
