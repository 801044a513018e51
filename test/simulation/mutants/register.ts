/** `node --import` of this file runs the program with the one mutant that the environment names. */
import { registerHooks } from 'node:module';
import { MUTANT_VARIABLE, mutate } from './mutant.ts';
import { MUTANTS } from './mutants.ts';

const name = process.env[MUTANT_VARIABLE];
const mutant = MUTANTS.find((each) => each.name === name);
if (mutant === undefined) throw new Error(`${MUTANT_VARIABLE}: there is no mutant ${name}`);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/src/${mutant.file}`)) return loaded;
    return { ...loaded, source: mutate(mutant, String(loaded.source)) };
  },
});
