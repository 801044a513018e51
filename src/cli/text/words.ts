import { formatDuration } from '../../lib/durations.ts';
import { cleanLine } from '../terminal/clean.ts';
import { truncate } from '../terminal/display-width.ts';

/** `7,914`. */
export const formatNumber = (n: number): string => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',');

/** Measured times: below 10 ms with one decimal, so that a flip of 0.3 ms does not read as 0. */
export const formatMs = (ms: number): string => (ms < 10 ? `${ms.toFixed(1)} ms` : formatDuration(ms));

/** `1 request`, `2 requests`. */
export const plural = (n: number, word: string, many = `${word}s`): string =>
  `${formatNumber(n)} ${n === 1 ? word : many}`;

/** Age as kubectl prints it: `12s`, `18m`, `3h`, `2d`. */
export function formatAge(since: string | undefined, now: number): string {
  const ms = since === undefined ? Number.NaN : now - Date.parse(since);
  if (Number.isNaN(ms)) return '-';
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** An instant in the reader's clock: `14:02` today, `tomorrow 14:02`, otherwise with its date. */
export function formatInstant(instant: string, now: number): string {
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return instant;
  const two = (n: number): string => String(n).padStart(2, '0');
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  const midnight = (date: Date): number => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  const days = Math.round((midnight(at) - midnight(new Date(now))) / 86_400_000);
  if (days === 0) return time;
  if (days === 1) return `tomorrow ${time}`;
  if (days === -1) return `yesterday ${time}`;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

const INSTANT = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/**
 * Text with its instants (RFC 3339, as machines exchange them) in the reader's clock. Lines behind the first were
 * quoted from a log, and stay as they are there.
 */
export function inReadersClock(text: string, now: number): string {
  const [own = '', ...quoted] = text.split('\n');
  return [own.replace(INSTANT, (instant) => formatInstant(instant, now)), ...quoted].join('\n');
}

/** Bytes in binary units: `512 B`, `53 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `shop-local-r2` → `r2`: how people speak of a revision where the application is known. */
export const shortRevision = (name: string | null): string =>
  /r\d+$/.exec(name ?? '')?.[0] ?? name ?? 'nothing';

/** Cells of a source beside other columns; `slipway get revisions` has all of it. */
const SOURCE_CELLS = 24;

/** Where a revision came from, as its author named it: a directory, an archive, a commit. '' where nobody did. */
export const shortSource = (source: string | undefined): string =>
  truncate(cleanLine(source ?? ''), SOURCE_CELLS);

/** First six hex digits, as people are shown digests: `sha256:9c41f0…` → `9c41f0`. */
export const shortHash = (hash: string): string => hash.replace(/^sha256:/, '').slice(0, 6);

/** `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[], last = 'and'): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

/** The beginning of a sentence. */
export const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** A gate's message often ends in its time, which stands beside it already: `GET /version 200 (5 ms)`. */
export const withoutTime = (text: string): string => text.replace(/ \(\d+(?:\.\d+)? m?s\)$/, '');

/** Instances that did not end on SIGTERM; '' where each did. */
export const killedWords = (killed: number): string =>
  killed === 0
    ? ''
    : `${plural(killed, 'instance')} ignored SIGTERM and ${killed === 1 ? 'was' : 'were'} killed`;
