import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/**
 * Small files that several processes read while one replaces them. A rename makes them whole at every
 * moment; they say what runs now, so a power cut may take them along with what ran.
 */
export function writeJson(file: string, value: unknown, mode = 0o600): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode });
  renameSync(temporary, file);
}

/** Undefined when it is not there. Throws when it is there and cannot be read or is no JSON. */
export function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return JSON.parse(text);
}
