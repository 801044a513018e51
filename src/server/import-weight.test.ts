import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KIND_NAMES } from '../api/kind-names.ts';
import { KINDS } from '../api/kinds.ts';

/** Modules that a file loads when it is run: type-only imports cost nothing. */
function loaded(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const source = readFileSync(file, 'utf8');
  for (const [statement, , from] of source.matchAll(/^(?:import|export)\s([^;]*?)\sfrom\s'([^']+)';/gms)) {
    if (/^(?:import|export)\s+type\s/.test(statement) || from === undefined) continue;
    if (!from.startsWith('.')) seen.add(from);
    else loaded(join(dirname(file), from), seen);
  }
  for (const [, from] of source.matchAll(/^import\s'([^']+)';/gm)) if (from !== undefined) seen.add(from);
  return seen;
}

describe('api-client', () => {
  it('loads nothing but Node and a few small files', () => {
    const root = join(import.meta.dirname, '..');
    const modules = [...loaded(join(import.meta.dirname, 'api-client.ts'))];
    expect(modules.filter((m) => !m.startsWith('/') && !m.startsWith('node:'))).toEqual([]);
    const own = modules.filter((m) => m.startsWith('/')).map((m) => m.slice(root.length + 1));
    expect(own.sort()).toEqual([
      'api/kind-names.ts',
      'lib/clock.ts',
      'lib/errors.ts',
      'lib/http-answer.ts',
      'lib/json-lines.ts',
      'lib/known-objects.ts',
      'lib/status.ts',
      'server/api-client.ts',
      'server/http-client.ts',
      'server/local-client.ts',
      'server/watch-client.ts',
    ]);
  });

  it('finds zod where it is loaded, so that the walk is no blind one', () => {
    expect([...loaded(join(import.meta.dirname, 'server.ts'))]).toContain('zod');
  });
});

describe('kind names', () => {
  it('are those of the schemas', () => {
    const wanted = KINDS.map(({ kind, plural, shortNames, namespaced }) => ({
      kind,
      plural,
      shortNames,
      namespaced,
    }));
    expect(KIND_NAMES).toEqual(wanted);
  });
});
