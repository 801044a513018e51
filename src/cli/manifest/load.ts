import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { SlipwayError } from '../../lib/errors.ts';
import type { Context } from '../context.ts';
import { readStdin } from '../io.ts';
import { ManifestError } from '../report-error.ts';
import { checkDocument, type Manifest } from './check.ts';
import { LIMITS, parseManifest } from './parse.ts';
import { readText } from './read-file.ts';
import type { Problem, Source } from './source.ts';

/** Objects of one or several files, and where their relative paths start. */
export interface LoadedManifest extends Manifest {
  /** Directory of the file: what `artifact: ./dist` is relative to. */
  readonly directory: string;
  /** Every file that was read with it. */
  readonly files: readonly string[];
}

const EXTENSIONS = /\.(ya?ml|json)$/i;

/**
 * Reads files, the YAML and JSON files of directories (not of those in them), and `-` for standard input.
 * Everything is checked before anything is answered: ManifestError holds all problems of all files.
 */
export async function loadManifests(context: Context, paths: readonly string[]): Promise<LoadedManifest[]> {
  const manifests: LoadedManifest[] = [];
  const problems: Problem[] = [];
  const files: string[] = [];
  for (const path of paths) {
    for (const { source, directory, full } of await readSources(context, path)) {
      if (full !== null) files.push(full);
      const parsed = parseManifest(source);
      if (!parsed.ok) {
        problems.push(...parsed.problems);
        continue;
      }
      for (const document of parsed.documents) {
        const checked = checkDocument(document);
        if (checked.ok) manifests.push({ ...checked.manifest, directory, files });
        else problems.push(...checked.problems);
      }
    }
  }
  problems.push(...twice(manifests));
  if (problems.length > 0) throw new ManifestError(problems);
  if (manifests.length === 0) {
    throw new SlipwayError('badRequest', `There is no object in ${paths.join(', ')}.`, {
      next: 'slipway init writes an app.yaml to begin with.',
    });
  }
  return manifests;
}

interface FileSource {
  readonly source: Source;
  readonly directory: string;
  /** Null: standard input. */
  readonly full: string | null;
}

async function readSources(context: Context, path: string): Promise<FileSource[]> {
  const { io } = context;
  if (path === '-') {
    if (io.stdin.isTTY === true) {
      throw new SlipwayError('badRequest', 'Nothing is piped into standard input.', {
        next: 'slipway apply -f FILE',
      });
    }
    const text = await readStdin(io, LIMITS.bytes + 1);
    return [{ source: { file: '-', text }, directory: io.directory, full: null }];
  }
  const full = resolve(io.directory, path);
  if (!existsSync(full)) {
    throw new SlipwayError('badRequest', `${path} does not exist (${full}).`, {
      next: 'slipway init writes an app.yaml to begin with.',
    });
  }
  if (!statSync(full).isDirectory()) return [await readSource(io.directory, full)];
  const files = readdirSync(full, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && EXTENSIONS.test(entry.name) && !entry.name.startsWith('.'))
    .map((entry) => join(full, entry.name))
    .sort();
  if (files.length === 0) {
    throw new SlipwayError('badRequest', `There is no YAML or JSON file in ${path}.`, {
      next: 'slipway apply -f FILE',
    });
  }
  const sources = await Promise.all(files.map((file) => readSource(io.directory, file)));
  const own = sources.filter(({ source }) => isOurs(source));
  if (own.length > 0) return own;
  throw new SlipwayError('badRequest', `No YAML or JSON file in ${path} says apiVersion: slipway.dev/….`, {
    next: 'slipway init writes an app.yaml to begin with.',
  });
}

/** Of a directory: other programs keep their files there too, package.json above all. A file that is named is ours. */
const isOurs = ({ text }: Source): boolean => /["']?apiVersion["']?\s*:\s*["']?slipway\.dev\//.test(text);

async function readSource(from: string, full: string): Promise<FileSource> {
  const text = await readText(full, LIMITS.bytes);
  const shown = relative(from, full);
  return {
    source: { file: shown.startsWith('..') || shown === '' ? full : shown, text },
    directory: join(full, '..'),
    full,
  };
}

/** The same object in two places: which of them should win is nothing to guess. */
function twice(manifests: readonly LoadedManifest[]): Problem[] {
  const seen = new Map<string, LoadedManifest>();
  const problems: Problem[] = [];
  for (const manifest of manifests) {
    const { kind, object, document } = manifest;
    const key = `${kind.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    const first = seen.get(key);
    if (first !== undefined) {
      const position = document.position(['metadata', 'name']);
      const line = first.document.position(['metadata', 'name']).line;
      const where = `${basename(first.document.source.file)} line ${line}`;
      problems.push({
        file: document.source.file,
        position,
        path: 'metadata.name',
        message: `${kind.kind} ${object.metadata.name} stands in ${where} already; keep one of the two`,
        excerpt: document.source.text.split(/\r?\n/, position.line)[position.line - 1] ?? '',
      });
    }
    seen.set(key, first ?? manifest);
  }
  return problems;
}
