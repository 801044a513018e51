import type { Path } from './parse.ts';

/**
 * The steps of a path as errors write it: `spec.gates[0].http`, `metadata.labels["a/b"]`. Text that is no path
 * gives the steps that could be read, so that at least the surroundings are found.
 */
export function parsePath(text: string): Path {
  const steps: (string | number)[] = [];
  const pattern = /\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\.?([^.[\]]+)/gy;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [, quoted, index, plain] = match;
    if (quoted !== undefined) steps.push(JSON.parse(`"${quoted}"`) as string);
    else if (index !== undefined) steps.push(Number(index));
    else if (plain !== undefined) steps.push(plain);
  }
  return steps;
}
