import { isSlipwayError, messageOf, type SlipwayError } from '../lib/errors.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.ts';
import { formatProblem, type Problem } from './manifest/source.ts';
import { clean } from './terminal/clean.ts';

/** A file that people wrote is wrong: each problem with its place. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`);
    this.problems = problems;
  }
}

const MOST = 20;

/**
 * Words for anything that was thrown: what happened and why, then what to run next. Stack traces only when
 * they were asked for.
 */
export function explainError(error: unknown, verbose: boolean): { lines: string[]; code: ExitCode } {
  const trace = verbose ? traceOf(error) : [];
  if (error instanceof ManifestError) return { lines: [...manifestLines(error), ...trace], code: EXIT.usage };
  if (isSlipwayError(error))
    return { lines: [...slipwayLines(error), ...trace], code: exitCodeOf(error.code) };
  const hint = verbose ? [] : ['  Run it again with --verbose to see where it came from.'];
  return {
    lines: [`✗ ${clean(messageOf(error))}`, ...systemHint(error), ...hint, ...trace],
    code: EXIT.failed,
  };
}

function slipwayLines({ message, details, next }: SlipwayError): string[] {
  // One problem is often the message itself.
  const said = ({ path, message: text }: (typeof details)[number]): boolean =>
    details.length === 1 && message.endsWith(path === undefined ? text : `${path}: ${text}`);
  const shown = details
    .slice(0, MOST)
    .filter((one) => !said(one))
    .map(({ path, line, message: text }) => {
      const where = [path, line === undefined ? undefined : `line ${line}`].filter(
        (part) => part !== undefined,
      );
      return `  ${clean(where.length === 0 ? text : `${where.join(', ')}: ${text}`)}`;
    });
  const more = details.length > MOST ? [`  … and ${details.length - MOST} more`] : [];
  return [`✗ ${clean(message)}`, ...shown, ...more, ...(next === undefined ? [] : [`  ${clean(next)}`])];
}

function manifestLines({ problems }: ManifestError): string[] {
  const files = [...new Set(problems.map(({ file }) => file))];
  const where = files.length === 1 ? files[0] : `${files.length} files`;
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const more = problems.length > MOST ? [`  … and ${problems.length - MOST} more`] : [];
  return [
    `✗ ${clean(where ?? '')} has ${count}; nothing was changed.`,
    ...problems.slice(0, MOST).flatMap((problem) => ['', ...formatProblem(problem).map(clean)]),
    ...more,
  ];
}

/** What to do about the errors of the system that people meet. */
function systemHint(error: unknown): string[] {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  const path = (error as NodeJS.ErrnoException | null)?.path;
  if (code === 'ENOENT') return [`  ${path ?? 'The file'} does not exist; check the name.`];
  if (code === 'EACCES' || code === 'EPERM')
    return [`  ${path ?? 'The file'} may not be read or written by this user.`];
  if (code === 'ENOSPC') return ['  The disk is full; make room and run it again.'];
  return [];
}

function traceOf(error: unknown): string[] {
  const lines: string[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    lines.push(
      ...(at.stack ?? at.message)
        .split('\n')
        .map((line) => `  ${depth === 0 ? '' : 'caused by '}${clean(line)}`),
    );
  }
  return lines;
}
