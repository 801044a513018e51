import { formatDuration } from '../../lib/durations.ts';
import type { Finding, RehearsalReport } from '../../simulator/rehearsal/report.ts';
import { cleanLine } from '../terminal/clean.ts';
import { type Paint, PLAIN } from '../terminal/paint.ts';
import { formatNumber, plural } from './words.ts';

export interface RehearsalShown {
  /** The command that gave it, to be given again with a seed. */
  readonly again: string;
  /** One run was asked for: it is told whole. */
  readonly told: boolean;
  readonly width: number;
}

/** Lines of a bad run that are shown where many were played: the rest is a command away. */
const STORY_LINES = 30;

/** How many runs ended well, what broke and how it is mended, the worst moments, and one bad run. */
export function rehearsalText(
  report: RehearsalReport,
  shown: RehearsalShown,
  paint: Paint = PLAIN,
): string[] {
  return [
    verdict(report, paint),
    ...report.findings.flatMap((finding, at) => findingLines(finding, at, shown, paint)),
    ...storyLines(report, shown, paint),
    ...(shown.told ? [] : ['', ...drillTable(report, paint), ...facts(report)]),
    ...list('assumed', report.assumed),
    ...list('note', report.notes),
    ...(report.bad > 0 || shown.told ? [] : ['', `See one run:  ${shown.again} --seed 1`]),
  ];
}

function verdict(
  { application, environment, source, runs, bad, good, findings }: RehearsalReport,
  paint: Paint,
): string {
  const where = `${application} in ${environment} (${source})`;
  if (runs === 0) return `${paint.warn('!')} Nothing was rehearsed of ${where}.`;
  if (runs === 1)
    return bad === 0
      ? `${paint.good('✓')} The run ended well: ${where}.`
      : `${paint.bad('✗')} The run broke a promise: ${where}. ${plural(findings.length, 'finding')}.`;
  return bad === 0
    ? `${paint.good('✓')} All ${formatNumber(runs)} runs ended well: ${where}.`
    : `${paint.bad('✗')} ${formatNumber(bad)} of ${plural(runs, 'run')} broke a promise, ${formatNumber(good)} ended well: ${where}. ${plural(findings.length, 'finding')}.`;
}

function findingLines(
  { message, next, runs, seed, worst, kind }: Finding,
  at: number,
  { again }: RehearsalShown,
  paint: Paint,
): string[] {
  const most = worst > 1 && kind !== 'wayBackCold' ? `, ${formatNumber(worst)} at the most in one` : '';
  return [
    '',
    `${paint.strong(`${at + 1}. ${cleanLine(message)}`)}`,
    `   In ${plural(runs, 'run')}${most}. ${cleanLine(next)}`,
    `   ${again} --seed ${seed}`,
  ];
}

function storyLines({ story }: RehearsalReport, { told }: RehearsalShown, paint: Paint): string[] {
  if (story === null) return [];
  const { lines } = story;
  const kept = told || lines.length <= STORY_LINES ? lines : tellingPart(lines);
  const width = Math.max(...kept.map(({ atMs }) => clock(atMs).length), 1);
  return [
    '',
    paint.strong(`Run ${story.seed}: ${story.drill}`),
    ...kept.map(({ atMs, who, text }) => {
      const line = `  ${clock(atMs).padStart(width)}  ${who.padEnd(8)} ${cleanLine(text)}`;
      return who === 'users' || who === 'broken' ? paint.bad(line) : line;
    }),
    ...(kept.length < lines.length
      ? [`  … ${plural(lines.length - kept.length, 'more line')} with --seed ${story.seed}`]
      : []),
  ];
}

/** `12.3 s`, and from ten minutes on `3:00:08`. */
function clock(ms: number): string {
  if (ms < 600_000) return `${(ms / 1_000).toFixed(1)} s`;
  const two = (n: number) => String(Math.floor(n) % 60).padStart(2, '0');
  return `${Math.floor(ms / 3_600_000)}:${two(ms / 60_000)}:${two(ms / 1_000)}`;
}

type Lines = NonNullable<RehearsalReport['story']>['lines'];

/** Around the first harm: what led to it, and what came of it. */
function tellingPart(lines: Lines): Lines {
  const harm = lines.findIndex(({ who }) => who === 'users' || who === 'broken');
  const start =
    harm < 0 ? Math.max(0, lines.length - STORY_LINES) : Math.max(0, harm - (STORY_LINES * 2) / 3);
  return lines.slice(start, start + STORY_LINES);
}

function drillTable({ drills }: RehearsalReport, paint: Paint): string[] {
  const width = Math.max(...drills.map(({ name }) => name.length), 13);
  const cells = (...numbers: readonly (number | string)[]) =>
    numbers
      .map((each, at) => String(each).padStart(['runs', 'released', 'turned back', 'bad'][at]?.length ?? 0))
      .join('  ');
  return [
    `${'what happened'.padEnd(width)}  ${cells('runs', 'released', 'turned back', 'bad')}`,
    ...drills.map(({ name, runs, released, turnedBack, bad }) => {
      const line = `${name.padEnd(width)}  ${cells(runs, released, turnedBack, bad)}`;
      return bad > 0 ? paint.bad(line) : line;
    }),
  ];
}

function facts({ turnedBack, worst, wayBack, requests, releaseMs, virtualHours }: RehearsalReport): string[] {
  const reasons = Object.entries(turnedBack)
    .sort((a, b) => b[1] - a[1])
    .map(([why, count]) => `${why} ${formatNumber(count)}`);
  const failed = Object.entries(requests.failed).map(([cause, count]) => `${formatNumber(count)} ${cause}`);
  const { capacity, wait } = worst;
  return [
    '',
    `played       ${virtualHours} h of virtual time; without trouble the release takes ${formatDuration(releaseMs)}`,
    `requests     ${formatNumber(requests.started)}, failed: ${failed.join(', ') || 'none'}`,
    ...(reasons.length === 0 ? [] : [`turned back  ${reasons.join(', ')}`]),
    ...(capacity === null
      ? []
      : [
          `lowest       ${plural(capacity.serving, 'instance')} of ${capacity.workload} with traffic, ${formatNumber(capacity.of)} asked for (seed ${capacity.seed}: ${capacity.drill})`,
        ]),
    ...(wait === null
      ? []
      : [
          `longest wait ${formatDuration(wait.ms)}: ${cleanLine(wait.message)} (seed ${wait.seed}: ${wait.drill})`,
        ]),
    ...(wayBack.flips === 0
      ? []
      : [
          `way back     one flip, ${plural(wayBack.flips, 'time')}, ${formatDuration(wayBack.slowestFlipMs)} at the most`,
        ]),
    ...(wayBack.others === 0
      ? []
      : [
          `way back     by starting the old version again, ${plural(wayBack.others, 'time')}, ${formatDuration(wayBack.slowestMs)} at the most`,
        ]),
  ];
}

const list = (title: string, lines: readonly string[]): string[] =>
  lines.map((line, at) => `${(at === 0 ? title : '').padEnd(12)} ${line}`);
