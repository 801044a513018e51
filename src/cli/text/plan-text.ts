import type { PlanPreview } from '../../server/dependencies.ts';
import { cleanLine } from '../terminal/clean.ts';
import { displayWidth, pad, truncate } from '../terminal/display-width.ts';
import { type Paint, PLAIN } from '../terminal/paint.ts';
import { plural, shortHash, shortRevision } from './words.ts';

export interface PlanTarget {
  readonly application: string;
  readonly environment: string;
  /** A rollback to this revision, such as r2. */
  readonly to?: string | undefined;
  /** Options that the plan was asked for with, such as `-f app.yaml`: without them it would be another one. */
  readonly options?: readonly string[];
  /** False where the default stands in: with its name the others that move with it would stay. */
  readonly named?: boolean;
  /** Other environments that the same change moves by itself: `staging r1 → r2`. */
  readonly also?: readonly string[];
}

/** What a release would do, stage by stage, and how to approve exactly that. Ends in the command to run. */
export function planText(
  preview: PlanPreview,
  target: PlanTarget,
  width: number,
  paint: Paint = PLAIN,
): string[] {
  const { application, environment } = target;
  if (preview.refusals.length > 0) {
    return [
      `${paint.bad('✗')} ${application} cannot be released to ${environment}:`,
      ...preview.refusals.map(
        ({ path, message }) => `  ${cleanLine(path === undefined ? message : `${path}: ${message}`)}`,
      ),
    ];
  }
  if (!preview.changes) {
    return [
      `Nothing to release: ${application} in ${environment} is as the file says (${shortRevision(preview.from)}).`,
      ...section('moves too', target.also ?? []),
    ];
  }
  const hash = shortHash(preview.plan.hash);
  const lines = [
    `${paint.strong(`${application} ${move(preview)}`)} in ${environment} · ${preview.plan.strategy} · plan ${hash}`,
    ...stageTable(preview),
    ...section('moves too', target.also ?? []),
    ...section('changes', differences(preview)),
    ...section('preflight', preflight(preview, paint)),
    ...section('rollback', rollback(preview)),
  ];
  const verb =
    target.to === undefined ? `release ${application}` : `rollback ${application} --to ${target.to}`;
  const together = target.named === false && (target.also ?? []).length > 0;
  const place = together ? [] : [`--env ${environment}`];
  const words = [verb, ...(target.options ?? []).map(shellWord), ...place, `--plan ${hash}`];
  // Never cut: a command that lost its end would be another one.
  return [...lines.map((line) => truncate(line, width)), `Approve exactly this:  slipway ${words.join(' ')}`];
}

/** As a shell takes it for one word. */
const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${cleanLine(text).replaceAll("'", "'\\''")}'`;

const move = ({ from, to }: PlanPreview): string =>
  from === null ? shortRevision(to) : `${shortRevision(from)} → ${shortRevision(to)}`;

function stageTable(preview: PlanPreview): string[] {
  const old = preview.from === null ? null : shortRevision(preview.from);
  const fresh = shortRevision(preview.to);
  const rows: string[][] = [['', '', ...(old === null ? [] : [old]), fresh, 'capacity', 'traffic', '']];
  const now = preview.now ?? null;
  const before = now === null ? [] : [{ ...now, stage: null, title: 'now', note: '' }];
  for (const step of [...before, ...preview.timeline]) {
    const traffic = Object.entries(step.weights)
      .filter(([, weight]) => weight > 0)
      .map(([version, weight]) =>
        weight === 100 ? shortRevision(version) : `${shortRevision(version)} ${weight} %`,
      )
      .join(', ');
    rows.push([
      step.stage === null ? '' : String(step.stage),
      cleanLine(step.title),
      ...(old === null ? [] : [String(step.from)]),
      String(step.to),
      String(step.from + step.to),
      traffic || 'none',
      cleanLine(step.note),
    ]);
  }
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => displayWidth(row[at] ?? ''))));
  return rows.map((row) => `  ${row.map((cell, at) => pad(cell, widths[at] ?? 0)).join('  ')}`.trimEnd());
}

/** `changes      first`, the others below it. */
const section = (name: string, lines: readonly string[]): string[] =>
  lines.map((line, at) => `${pad(at === 0 ? name : '', 13)}${line}`);

const MOST = 12;

function differences({ differences: all }: PlanPreview): string[] {
  const lines = all.slice(0, MOST).map(({ path, from, to }) => `${path} ${value(from)} → ${value(to)}`);
  return all.length > MOST ? [...lines, `… and ${all.length - MOST} more (-o json)`] : lines;
}

/** Digests by their beginning, everything else as short JSON. */
function value(what: unknown): string {
  if (what === undefined || what === null) return 'none';
  const text = typeof what === 'string' ? what : JSON.stringify(what);
  const digest = /^(.*sha256:)([0-9a-f]{64})$/.exec(text);
  return digest === null ? truncate(cleanLine(text), 48) : `${digest[1]}${digest[2]?.slice(0, 12)}…`;
}

function preflight({ warnings, plan }: PlanPreview, paint: Paint): string[] {
  const all = [...new Set([...plan.warnings, ...warnings])];
  const lines = all.map((warning) => `${paint.warn('⚠')} ${cleanLine(warning)}`);
  return lines.length === 0 ? ['nothing stands against it'] : lines;
}

function rollback({ plan }: PlanPreview): string[] {
  return plan.rollback.map(({ until, how, flips }) => {
    const flip = flips > 0 ? `, ${plural(flips, 'flip')}` : '';
    // 0 stands for the time after the release; its words say so themselves.
    return until === 0 ? `${cleanLine(how)}${flip}` : `until stage ${until}: ${cleanLine(how)}${flip}`;
  });
}
