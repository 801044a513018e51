import type { Release, ReleaseStatus } from '../../api/release.ts';
import { clean, cleanLine } from '../terminal/clean.ts';
import { capital, inReadersClock } from './words.ts';

/**
 * Why a release did not bring what it was to bring: who ended it, then what went wrong; none of one that succeeded.
 * A receipt holds measurements alone, so this comes from the release, as long as that is kept.
 */
export function endReason({ status }: Pick<Release, 'status'>, now: number): string[] {
  if (status === undefined || status.phase === 'Succeeded') return [];
  const { turn, failure } = status;
  const told = failure?.message ?? '';
  const turned = turn === null ? '' : turnWords(turn);
  // What went wrong is what turned it back, most often.
  const first = turned === '' || told.includes(turn?.why || turned) ? [] : [inReadersClock(turned, now)];
  // What a log said stays in lines, as its writer meant it.
  const [what = '', ...logLines] = told.split('\n');
  return [
    ...first,
    ...(what === '' ? [] : [cleanLine(what)]),
    ...logLines.map((line) => `  ${clean(line).trimEnd()}`),
  ];
}

function turnWords({ cause, by, why }: NonNullable<ReleaseStatus['turn']>): string {
  const because = why === null ? '' : `: ${cleanLine(why)}`;
  // Nobody is behind the clock and Slipway itself.
  const whose = by === 'clock' || by === 'slipway' ? '' : ` by ${cleanLine(by)}`;
  switch (cause) {
    case 'abort':
      return `Aborted${whose}${because}`;
    case 'rollback':
      return `Turned back${whose}${because}`;
    default:
      return capital(cleanLine(why ?? ''));
  }
}
