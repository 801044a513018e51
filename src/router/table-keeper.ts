import { isDeepStrictEqual } from 'node:util';
import { type ErrorDetail, SlipwayError } from '../lib/errors.ts';
import type { RouterControl } from './control-client.ts';
import { noFailures } from './counts.ts';
import { type DataPlane, EMPTY_TABLE } from './data-plane.ts';
import type { BackendLoad, RouterStats, RouteTable } from './table.ts';
import { checkTable } from './table-check.ts';
import type { TableFile } from './table-file.ts';

/**
 * What a router does for its controllers. A table is put in force only after it is durable, one at a
 * time, and acknowledged only after it is in force: the writer may then act on it.
 */
export class TableKeeper implements RouterControl {
  private readonly plane: DataPlane;
  private readonly file: TableFile;
  private swappedAt = new Date().toISOString();
  private turn: Promise<unknown> = Promise.resolve();

  constructor(plane: DataPlane, file: TableFile) {
    this.plane = plane;
    this.file = file;
  }

  /** Puts the table of the last run in force, before the first connection is accepted. */
  async restore(): Promise<RouteTable> {
    const table = (await this.file.read()) ?? EMPTY_TABLE;
    this.plane.swap(table);
    return table;
  }

  putTable(table: RouteTable): Promise<{ generation: number; swappedAt: string }> {
    const put = this.turn.then(() => this.put(table));
    this.turn = put.catch(() => undefined);
    return put;
  }

  getTable(): Promise<RouteTable> {
    return Promise.resolve(this.plane.table.table);
  }

  stats(): Promise<RouterStats> {
    return Promise.resolve(this.plane.stats());
  }

  load(backendId: string): Promise<BackendLoad | undefined> {
    return Promise.resolve(this.plane.upstream(backendId)?.load());
  }

  async awaitDrained(
    backendId: string,
    options: { streams: boolean; timeoutMs: number },
  ): Promise<BackendLoad> {
    const upstream = this.plane.upstream(backendId);
    if (upstream === undefined) return nothingInside(backendId);
    await upstream.drained(options);
    return upstream.load();
  }

  async closeIdle(backendId: string): Promise<{ closed: number }> {
    const upstream = this.plane.upstream(backendId);
    if (upstream === undefined) return { closed: 0 };
    upstream.isEnding = true;
    return { closed: await upstream.closeIdle() };
  }

  async ended(backendId: string): Promise<BackendLoad> {
    const upstream = this.plane.upstream(backendId);
    if (upstream === undefined) return nothingInside(backendId);
    upstream.end();
    return upstream.load();
  }

  private async put(table: RouteTable): Promise<{ generation: number; swappedAt: string }> {
    const inForce = this.plane.table.table;
    // The same table again is the retry of a write whose acknowledgement was lost.
    if (inForce.generation > 0 && isDeepStrictEqual(table, inForce)) {
      return { generation: inForce.generation, swappedAt: this.swappedAt };
    }
    refuseIf(checkTable(table, null));
    // A writer that is behind is told so before its table is compared with one that it hasn't seen.
    if (table.generation <= inForce.generation) {
      throw new SlipwayError(
        'conflict',
        `generation ${table.generation} is not higher than ${inForce.generation}, which is in force`,
        { next: 'read the table in force and number yours above it' },
      );
    }
    refuseIf(checkTable(table, inForce));
    await this.file.write(table);
    this.plane.swap(table);
    this.swappedAt = new Date().toISOString();
    return { generation: table.generation, swappedAt: this.swappedAt };
  }
}

function refuseIf(problems: readonly ErrorDetail[]): void {
  if (problems.length === 0) return;
  throw new SlipwayError('invalid', 'the route table is refused; the one in force stays', {
    details: problems,
  });
}

function nothingInside(id: string): BackendLoad {
  return {
    id,
    requests: 0,
    streams: 0,
    idleConnections: 0,
    failed: noFailures(),
  };
}
