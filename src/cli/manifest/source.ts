import type { ErrorDetail } from '../../lib/errors.ts';
import { clean } from '../terminal/clean.ts';

export interface Position {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong in a file that people wrote: where, what was found, what is allowed. */
export interface Problem {
  readonly file: string;
  readonly position: Position;
  /** `spec.workload.replicas`; empty where the file cannot be read as YAML. */
  readonly path: string;
  readonly message: string;
  /** The line as it stands in the file. */
  readonly excerpt: string;
}

/** A file that was read, with what is needed to point into it. */
export interface Source {
  /** As people named it; `-` for standard input. */
  readonly file: string;
  readonly text: string;
}

export function problemAt(source: Source, position: Position, path: string, message: string): Problem {
  const line = source.text.split(/\r?\n/, position.line)[position.line - 1] ?? '';
  return { file: source.file, position, path, message, excerpt: line };
}

/** The problem in the form that errors carry. */
export const toDetail = ({ file, position, path, message }: Problem): ErrorDetail => ({
  path: path === '' ? file : path,
  line: position.line,
  message,
});

const WIDEST_EXCERPT = 100;

/**
 * `app.yaml:7:5: spec.workload.replica: …`, then the line itself with a mark under the place. Long lines are
 * shown around it.
 */
export function formatProblem({ file, position, path, message, excerpt }: Problem): string[] {
  const where = `${file}:${position.line}:${position.column}`;
  // A tab takes an unknown number of cells; one space keeps the mark under its place.
  const line = clean(excerpt.replaceAll('\t', ' '));
  const from = position.column > WIDEST_EXCERPT - 20 ? position.column - 20 : 0;
  const part = line.slice(from, from + WIDEST_EXCERPT);
  const gutter = `${position.line} | `;
  const mark = `${' '.repeat(gutter.length - 2)}| ${' '.repeat(Math.max(0, position.column - 1 - from))}^`;
  return [`${where}: ${path === '' ? '' : `${path}: `}${message}`, `  ${gutter}${part}`, `  ${mark}`];
}
