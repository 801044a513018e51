import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mutate } from './mutant.ts';
import { MUTANTS } from './mutants.ts';

it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  '%s has its place in the sources',
  (_, mutant) => {
    const text = readFileSync(new URL(`../../../src/${mutant.file}`, import.meta.url), 'utf8');
    expect(mutate(mutant, text)).not.toBe(text);
  },
);

it('names are unique', () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});
