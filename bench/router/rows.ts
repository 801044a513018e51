import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from '../row.ts';
import { costRows } from './cost-rows.ts';
import { flipRows } from './flip-rows.ts';
import { flipTimeRows } from './flip-time-rows.ts';

export interface RouterRowsOptions {
  /** A quick look: fewer rounds and flips, whose figures say less. */
  readonly short?: boolean;
  /** `P1`, `P2`, `P3`, `P4`; all of them by default. */
  readonly only?: readonly string[];
  /** Rounds over all proxies for P1 and P2. Default 9, short 2. */
  readonly rounds?: number;
  /** Seconds per proxy, load and round. Default 1.5. */
  readonly seconds?: number;
  /** Flips at which each kind of traffic must be in flight for P3, and flips of P4. Default 50, short 5. */
  readonly flips?: number;
}

/** P1 to P4 of performance.md: the router against nginx, Go's ReverseProxy and the bare moving of bytes. */
export async function routerRows(options: RouterRowsOptions = {}): Promise<Row[]> {
  const { only = ['P1', 'P2', 'P3', 'P4'], short = false, seconds = 1.5 } = options;
  const { rounds = short ? 2 : 9, flips = short ? 5 : 50 } = options;
  const directory = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const wants = (...names: string[]): boolean => names.some((name) => only.includes(name));
  try {
    const rows: Row[] = [];
    if (wants('P1', 'P2')) rows.push(...(await costRows(directory, { rounds, seconds })));
    if (wants('P3')) rows.push(...(await flipRows(directory, { flips })));
    if (wants('P4')) rows.push(...(await flipTimeRows(directory, { flips })));
    return rows.filter((row) => wants(row.row.slice(0, 2)));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
