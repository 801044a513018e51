import { formatDuration } from '../../api/duration.ts';
import type { FailedRequest } from '../ledger.ts';
import type { Assumptions } from './assumptions.ts';
import type { Subject } from './side.ts';
import { OWN_FAULT, type Trouble, type TroubleKind } from './trouble.ts';

/** Requests that failed and need not have: by cause, each with what mends it. */
export function requestTroubles(
  failures: readonly FailedRequest[],
  subject: Subject,
  assumed: Assumptions,
): Trouble[] {
  const troubles: Trouble[] = [];
  const add = (
    kind: TroubleKind,
    some: readonly FailedRequest[],
    words: (workload: string) => Omit<Trouble, 'kind' | 'atMs' | 'count'>,
  ) => {
    for (const [service, all] of Object.entries(Object.groupBy(some, (each) => each.service)))
      troubles.push({
        kind,
        ...words(service.split('/').at(-1) ?? service),
        atMs: all?.[0]?.atMs ?? 0,
        count: all?.length ?? 0,
      });
  };
  const cut = failures.filter(({ excuse }) => excuse === 'drain cap reached');
  const late = failures.filter(({ cause }) => cause === 'error');
  const plain = failures.filter(({ cause, excuse }) => cause !== 'error' && excuse === null);
  add('requestsCut', cut, (workload) => {
    const drain = subject.to.workloads[workload]?.drain;
    const longest = formatDuration(assumed.longestRequestMs);
    const grace = assumed.finishesAtTerm ? ` and drain.grace ${drain?.grace}` : '';
    return {
      place: `${workload}.drain.timeout`,
      message: `Requests were cut at the drain cap: drain.timeout of ${workload} is ${drain?.timeout}${grace}, and a request may take ${longest}.`,
      next: `Set drain.timeout of ${workload} to more than ${longest}.`,
    };
  });
  add('servesLate', late, (workload) => {
    const { readiness } = subject.to.workloads[workload] ?? {};
    const probe =
      readiness?.http === undefined
        ? 'The readiness probe'
        : `The readiness probe GET ${readiness.http.path}`;
    return {
      place: `${workload}.readiness`,
      message: `${probe} of ${workload} passes ${formatDuration(assumed.lateMs)} before it serves: requests reached instances that only answered errors.`,
      next: `Let the probe pass only when ${workload} serves. If GET of its route answers 5xx until then, Slipway's proof waits: tell it with --proof-notices.`,
    };
  });
  add('requestsFailed', plain, (workload) => ({
    place: `${workload}: ${[...new Set(plain.map(({ cause }) => cause))].join(', ')}`,
    message: `Requests to ${workload} failed and nothing excuses it: ${plain[0]?.cause}, ${plain[0]?.detail}.`,
    next: OWN_FAULT,
  }));
  return troubles;
}
