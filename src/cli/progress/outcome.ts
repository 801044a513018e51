import type { Release, TrafficTotals, Waiting } from '../../api/release.ts';
import { clean, cleanLine } from '../terminal/clean.ts';
import { type Paint, PLAIN } from '../terminal/paint.ts';
import { capital, formatInstant, formatMs, formatNumber, shortRevision } from '../text/words.ts';
import { askedForWhatServes, hasEnded, phaseOf } from './view.ts';

/**
 * `7,914 requests, 0 failed; the application answered 22 with 5xx`; never a 0 that was not measured. What the
 * application answers is no failure of the release, and gates judge it.
 */
export function trafficTotals(traffic: TrafficTotals | null | undefined): string {
  if (traffic == null) return 'Requests not measured.';
  const causes = Object.entries(traffic.failures).filter(([, n]) => n > 0);
  const why =
    causes.length === 0 ? '' : ` (${causes.map(([cause, n]) => `${formatNumber(n)} ${cause}`).join(', ')})`;
  const { answered5xx = 0 } = traffic;
  const own = answered5xx === 0 ? '' : `; the application answered ${formatNumber(answered5xx)} with 5xx`;
  return `${formatNumber(traffic.requests)} requests, ${formatNumber(traffic.failed)} failed${why}${own}.`;
}

/** How a release ended, whom it hurt and what to do next; what it waits for while it goes on. */
export function outcomeLines(release: Release, now: number, paint: Paint = PLAIN): string[] {
  return hasEnded(release) ? endedLines(release, paint) : waitingLines(release, now, paint);
}

function endedLines(release: Release, paint: Paint): string[] {
  const { name } = release.metadata;
  const { spec, status } = release;
  const from = shortRevision(spec.from);
  const took = wallTime(release);
  const traffic = trafficTotals(status?.traffic);
  const receipt = `  slipway receipt ${name}`;
  switch (phaseOf(release)) {
    case 'Succeeded':
      return [`${paint.good('✓')} ${successWords(release)}${took}. ${traffic}`, receipt];
    case 'RolledBack':
      return [
        `${paint.warn('↩')} Turned back to ${from}${took}. ${traffic}`,
        ...failureLines(release, paint),
        receipt,
      ];
    case 'Aborted':
      return [
        `${paint.warn('↩')} Aborted${took}; ${serving(spec.from)}. ${traffic}`,
        ...failureLines(release, paint),
        receipt,
      ];
    case 'Superseded':
      if (askedForWhatServes(release))
        return [`${paint.good('✓')} ${shortRevision(spec.to)} serves already: there was nothing to release.`];
      return [
        `${paint.warn('↩')} ${supersededWords(release)}.`,
        `  slipway history ${spec.application} -e ${spec.environment}`,
      ];
    default:
      return [`${paint.bad('✗')} Failed${took}. ${traffic}`, ...failureLines(release, paint), receipt];
  }
}

/** By which release, where it is known. */
function supersededWords({ spec, status }: Release): string {
  const why = cleanLine(status?.turn?.why ?? '');
  const message = cleanLine(status?.waiting.message ?? '').replace(/^Superseded: /, '');
  return capital(why || message) || `Superseded by a newer release of ${spec.application}`;
}

const serving = (from: string | null): string =>
  from === null ? 'nothing serves, as before' : `${shortRevision(from)} serves, as before`;

function successWords({ spec }: Release): string {
  const to = shortRevision(spec.to);
  if (spec.reason === 'rollback') return `Rolled back to ${to}`;
  return spec.from === null ? `${to} is serving` : 'Released';
}

function wallTime({ status }: Release): string {
  if (status?.startedAt == null || status.endedAt === null) return '';
  return ` in ${formatMs(Math.max(0, Date.parse(status.endedAt) - Date.parse(status.startedAt)))}`;
}

/** One sentence for what happened, one for whom it hurts, one for what to do. */
function failureLines({ status }: Release, paint: Paint): string[] {
  const failure = status?.failure ?? null;
  if (failure === null) return [];
  // What a log said stays in lines, as its writer meant it.
  const [what = '', ...logLines] = failure.message.split('\n');
  return [
    ...(what === '' ? [] : [`  ${paint.bad(cleanLine(what))}`]),
    ...logLines.map((line) => `    ${clean(line).trimEnd()}`),
    ...[failure.affects, failure.next]
      .map(cleanLine)
      .filter((text) => text !== '')
      .map((text) => `  ${text}`),
  ];
}

/** What nothing but a person or an absent agent can unblock; the tree itself shows the rest. */
export const NEEDS_SOMEBODY: readonly string[] = ['approval', 'promotion', 'person', 'agent', 'queue'];

function waitingLines(release: Release, now: number, paint: Paint): string[] {
  const waiting = release.status?.waiting;
  if (waiting === undefined || !NEEDS_SOMEBODY.includes(waiting.for)) return [];
  const stopped = waiting.for === 'person';
  const affects = stopped ? cleanLine(release.status?.failure?.affects ?? '') : '';
  return [
    `${stopped ? paint.bad('✗') : paint.warn('◌')} ${sentence(cleanLine(waiting.message))}${expiry(waiting, now)}`,
    ...(affects === '' ? [] : [`  ${affects}`]),
    ...(waiting.who === 'nobody' ? [] : [`  ${capital(cleanLine(waiting.who))} can unblock it:`]),
    ...waiting.commands.map((command) => `  ${cleanLine(command)}`),
  ];
}

/** ` Expires tomorrow 14:02, then turns back.` */
export function expiry(waiting: Waiting, now: number): string {
  if (waiting.expiresAt === null) return '';
  const then = waiting.onExpiry === null ? '' : `, then ${cleanLine(waiting.onExpiry)}`;
  return ` Expires ${formatInstant(waiting.expiresAt, now)}${then}.`;
}

const sentence = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`);
