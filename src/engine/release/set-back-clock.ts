import type { ReleaseStatus } from '../../api/release.ts';

/**
 * A clock that was set back leaves waits that begin in the future, and a soak of seconds would last for hours. What
 * begins later than now begins now: a wait may last as long again, and no longer.
 *
 * @param now ms since 1970
 */
export function followSetBackClock(status: ReleaseStatus, now: number): void {
  const at = new Date(now).toISOString();
  if (Date.parse(status.stepSince) > now) status.stepSince = at;
  const { pause } = status;
  if (pause === null || Date.parse(pause.since) <= now) return;
  const lasts = Date.parse(pause.expiresAt) - Date.parse(pause.since);
  status.pause = { ...pause, since: at, expiresAt: new Date(now + lasts).toISOString() };
}
