import type { Execution, GateRun } from '../../api/execution.ts';
import type { Release } from '../../api/release.ts';
import { truncate, wrap } from '../terminal/display-width.ts';
import { type Paint, PLAIN } from '../terminal/paint.ts';
import { shortHash, shortRevision } from '../text/words.ts';
import { layOut } from './layout.ts';
import { outcomeLines } from './outcome.ts';
import { stageRows } from './rows.ts';
import { hasEnded, stageViews } from './view.ts';

/**
 * The progress tree of one release as lines of at most `width` cells: a header, each stage with its gates,
 * then how it ended or what it waits for, which is never cut: a command that lost its end would be another one.
 * Pure; `now` in ms of Unix time.
 */
export function renderRelease(
  release: Release,
  executions: readonly Execution[],
  gateRuns: readonly GateRun[],
  now: number,
  width: number,
  paint: Paint = PLAIN,
): string[] {
  const { from, to, replicas, workloads } = release.spec;
  const context = { from, to, replicas, workloads, now };
  const rows = stageViews({ release, executions, gateRuns }).flatMap((view) => stageRows(view, context));
  const outcome = outcomeLines(release, now, paint);
  return [
    truncate(headline(release, paint), width),
    ...layOut(rows, width, paint),
    ...(outcome.length === 0 ? [] : ['', ...outcome.flatMap((line) => wrap(line, width))]),
  ];
}

/** `Release shop r1 → r2 · scaled · plan 9c41f0`. */
export function headline(release: Release, paint: Paint = PLAIN): string {
  const { spec, status } = release;
  const verb = spec.reason === 'rollback' ? 'Rollback' : 'Release';
  const where = spec.environment === 'local' ? '' : ` in ${spec.environment}`;
  const move =
    spec.from === null ? shortRevision(spec.to) : `${shortRevision(spec.from)} → ${shortRevision(spec.to)}`;
  const back =
    status?.direction === 'back'
      ? ` · ${paint.warn(hasEnded(release) ? 'turned back' : 'turning back')}`
      : '';
  return `${verb} ${paint.strong(`${spec.application} ${move}`)}${where} · ${spec.plan.strategy} · plan ${shortHash(spec.plan.hash)}${back}`;
}
