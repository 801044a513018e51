import type { Mutant } from './mutant.ts';

/** Deliberate bugs of what stands for a cluster, and of its ports. */
export const CLUSTER_MUTANTS: readonly Mutant[] = [
  {
    name: 'ended-with-requests-inside',
    bug: 'an instance is ended with requests inside it (row 1, kubernetes#43576)',
    file: 'simulator/retire.ts',
    find: 'if (instance.requests === 0 || passed() >= capMs) terminate();',
    replace: 'if (instance.requests >= 0) terminate();',
  },
  {
    name: 'streams-cut',
    bug: 'streams are cut instead of ended (row 8, AR#3761)',
    file: 'simulator/retire.ts',
    find: 'if (request.stream) instance.after(random.between(0, endMs), () => request.endWell());',
    replace: `if (request.stream) instance.after(random.between(0, endMs), () => request.cut('reset', 'killed'));`,
  },
  {
    name: 'ended-in-the-table',
    bug: 'an instance is ended before the data plane has left it (row 1, kubernetes#86280)',
    file: 'simulator/retire.ts',
    find: '  instance.after(Math.max(1, lagMs + 1), look);',
    replace: '  instance.after(0, look);',
  },
  {
    name: 'port-used-too-early',
    bug: 'a port is used again while requests are on their way there (design section 6)',
    file: 'drivers/local/ports.ts',
    find: 'if (this.#taken.has(port) || this.#isQuarantined(port)) continue;',
    replace: 'if (this.#taken.has(port)) continue;',
  },
];
