import { readFileSync } from 'node:fs';

/** The version of this program: what its package.json says, from the sources as from what was built. */
export const slipwayVersion = (): string => {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
};
