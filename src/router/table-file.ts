import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SlipwayError } from '../lib/errors.ts';
import type { RouteTable } from './table.ts';
import { checkTable } from './table-check.ts';

/**
 * The table in force, on disk, so that a restarted router serves at once and nobody needs to be asked.
 * What `write` acknowledged survives a power cut and is never seen half: temporary file, fsync, rename,
 * fsync of the directory.
 */
export class TableFile {
  private readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The table last written, or null where there is none yet. Throws where the file is not a table. */
  async read(): Promise<RouteTable | null> {
    let content: string;
    try {
      content = await readFile(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw new SlipwayError('unavailable', `the route table ${this.path} cannot be read: ${String(error)}`, {
        next: `make ${this.path} readable for the user that runs slipway`,
        cause: error,
      });
    }
    const table = parse(content);
    const problems = table === undefined ? [{ message: 'is not JSON' }] : checkTable(table, null);
    if (problems.length > 0) {
      throw new SlipwayError('invalid', `the route table ${this.path} is damaged`, {
        next: `move ${this.path} away; the agent writes it anew within seconds`,
        details: problems,
      });
    }
    return table as RouteTable;
  }

  async write(table: RouteTable): Promise<void> {
    const directory = dirname(this.path);
    const temporary = `${this.path}.new`;
    await mkdir(directory, { recursive: true });
    try {
      const file = await open(temporary, 'w', 0o600);
      try {
        await file.writeFile(JSON.stringify(table));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.path);
      const parent = await open(directory, 'r');
      try {
        await parent.sync();
      } finally {
        await parent.close();
      }
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw new SlipwayError('unavailable', `the route table cannot be written: ${String(error)}`, {
        next: `see that the disk of ${directory} has room and is writable; the table in force stays`,
        cause: error,
      });
    }
  }
}

function parse(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}
