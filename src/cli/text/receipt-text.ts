import type { ReceiptSpec } from '../../api/execution.ts';
import { cleanLine } from '../terminal/clean.ts';
import { pad } from '../terminal/display-width.ts';
import { type Paint, PLAIN } from '../terminal/paint.ts';
import {
  formatInstant,
  formatMs,
  formatNumber,
  killedWords,
  plural,
  shortHash,
  shortRevision,
  withoutTime,
} from './words.ts';

/**
 * The page of text for people; `now` in ms, for times in the reader's clock. `reason`: why it did not succeed, where
 * its release is still there to say so.
 */
export function receiptText(
  name: string,
  spec: ReceiptSpec,
  now: number,
  paint: Paint = PLAIN,
  reason: readonly string[] = [],
): string[] {
  return [
    headline(name, spec, paint),
    ...reason.map((line) => `  ${paint.bad(line)}`),
    ...requestLines(spec, paint),
    ...flipLines(spec),
    ...drainLines(spec),
    ...gateLines(spec, now),
    ...commandLines(spec, now),
    `Plan ${shortHash(spec.plan)}${digests(spec)}`,
  ];
}

function headline(name: string, spec: ReceiptSpec, paint: Paint): string {
  const move =
    spec.from === null ? shortRevision(spec.to) : `${shortRevision(spec.from)} → ${shortRevision(spec.to)}`;
  const good = spec.phase === 'Succeeded';
  const sign = good ? paint.good('✓') : paint.warn('↩');
  return `${sign} Release ${paint.strong(name)} · ${move} · ${spec.environment} · ${spec.phase} in ${formatMs(spec.wallMs)}`;
}

/** What was not measured says so, never 0. */
const figure = (n: number | null): string => (n === null ? 'not measured' : formatNumber(n));

function requestLines(spec: ReceiptSpec, paint: Paint): string[] {
  const { requests, prober, proofs } = spec;
  const failed = requests.failed ?? 0;
  const count = `failed ${figure(requests.failed)}`;
  const shown = failed > 0 ? paint.bad(`✗ ${count}`) : count;
  const probe =
    prober.total === null
      ? 'prober: not measured'
      : `${formatNumber(prober.total)} by our ${cleanLine(prober.source)}, failed ${figure(prober.failed)}`;
  // Slipway's own, which the data plane counts among all.
  const own = proofs?.total == null ? '' : `${plural(proofs.total, 'proof')} of our own, `;
  const lines = [
    `Requests during the release   ${figure(requests.total)}    ${shown}      (${cleanLine(requests.source)}; ${own}${probe})`,
  ];
  for (const [cause, n] of Object.entries(requests.failures)) {
    if (n > 0) lines.push(`  ${pad(formatNumber(n), 8)} ${cleanLine(cause)}`);
  }
  const { answered5xx } = requests;
  lines.push(
    answered5xx == null
      ? 'Answered 5xx by the application   not measured'
      : `Answered 5xx by the application   ${formatNumber(answered5xx)}      (${cleanLine(requests.source)})`,
  );
  // Those without a version found none to go to.
  const versions = Object.entries(requests.byVersion)
    .filter(([version, counts]) => version !== '' || counts.requests !== 0)
    .map(([version, counts]) => `${version === '' ? 'none' : shortRevision(version)} ${countsWords(counts)}`);
  if (versions.length > 0) lines.push(`By version   ${versions.join(' · ')}`);
  return lines;
}

function countsWords(counts: Readonly<Record<string, unknown>>): string {
  const { requests } = counts;
  if (typeof requests !== 'number') return 'not measured';
  const some = (n: unknown, word: string) =>
    typeof n === 'number' && n > 0 ? [`${formatNumber(n)} ${word}`] : [];
  const more = [...some(counts.failed, 'failed'), ...some(counts.answered5xx, 'with 5xx')];
  return `${formatNumber(requests)}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
}

function flipLines({ flips }: ReceiptSpec): string[] {
  return flips.map((flip, at) => {
    const weights = Object.entries(flip.weights)
      .filter(([, weight]) => weight > 0)
      .map(([version, weight]) => `${shortRevision(version)} ${weight} %`)
      .join(', ');
    const proof = [
      flip.proofBefore === '' ? '' : `before: ${cleanLine(flip.proofBefore)}`,
      flip.proofAfter === '' ? '' : `after: ${cleanLine(flip.proofAfter)}`,
    ].filter((text) => text !== '');
    return `${at === 0 ? 'Flip ' : '     '} ${flip.cluster} ${formatMs(flip.flipMs)} → ${weights}    proof ${proof.join('; ') || 'none'}`;
  });
}

function drainLines({ drains }: ReceiptSpec): string[] {
  if (drains.length === 0) return ['Drain nothing was drained'];
  const sum = (pick: (drain: ReceiptSpec['drains'][number]) => number): number =>
    drains.reduce((total, drain) => total + pick(drain), 0);
  const longest = Math.max(...drains.map(({ ms }) => ms));
  const streams = sum((drain) => drain.streams);
  const inside = `${plural(
    sum((drain) => drain.requests),
    'request',
  )}${streams > 0 ? ` and ${plural(streams, 'stream')}` : ''} inside`;
  return [
    `Drain ${plural(drains.length, 'drain')}, ${inside}, longest ${formatMs(longest)}, cut ${formatNumber(sum((drain) => drain.cut))}`,
    ...drains.flatMap(({ version, killed = 0 }) =>
      killed === 0 ? [] : [`      ${shortRevision(version)}: ${killedWords(killed)}`],
    ),
  ];
}

function gateLines({ gates }: ReceiptSpec, now: number): string[] {
  if (gates.length === 0) return ['Gates none'];
  const words = gates.map((gate) => {
    const by = gate.by === null ? '' : ` by ${cleanLine(gate.by)}`;
    const why = gate.why === null ? '' : ` "${cleanLine(gate.why)}"`;
    const at = typeof gate.at === 'string' ? ` ${formatInstant(gate.at, now)}` : '';
    const message =
      gate.message === '' || gate.by !== null ? '' : `, ${withoutTime(cleanLine(gate.message))}`;
    return `${gate.name} ${gate.verdict}${by}${at}${why} (${formatMs(gate.ms)}${message})`;
  });
  return [`Gates ${words.join(' · ')}`];
}

function commandLines({ commands }: ReceiptSpec, now: number): string[] {
  return commands.map((command, at) => {
    const why = command.why === null ? '' : ` "${cleanLine(command.why)}"`;
    return `${at === 0 ? 'By   ' : '     '} ${cleanLine(command.by)}: ${command.verb} ${formatInstant(command.at, now)}${why}`;
  });
}

function digests({ revisions, from, to }: ReceiptSpec): string {
  const parts = [
    revisions.from === null ? '' : `${shortRevision(from)} ${shortDigest(revisions.from)}`,
    `${shortRevision(to)} ${shortDigest(revisions.to)}`,
  ].filter((text) => text !== '');
  return ` · ${parts.join(' · ')}`;
}

/** `v1:sha256:77c0ffee…` → `77c0ffee1234`: enough to compare by eye, in full with -o json. */
const shortDigest = (digest: string): string => digest.replace(/^(?:v\d+:)?(?:sha256:)?/, '').slice(0, 12);
