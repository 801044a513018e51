import type { AddressInfo, Server } from 'node:net';
import type { Log } from '../lib/log.ts';
import type { RouterControl } from './control-client.ts';
import { createControlServer } from './control-server.ts';
import { DataPlane } from './data-plane.ts';
import { DEFAULT_LIMITS, type RouterLimits } from './limits.ts';
import { type ListenTarget, listenOn, listenOnPath } from './listen.ts';
import { TableFile } from './table-file.ts';
import { TableKeeper } from './table-keeper.ts';

export interface RouterOptions {
  readonly listen: readonly ListenTarget[];
  /** Path of the control socket; null for none (then `control` of the handle is the only way). */
  readonly controlPath: string | null;
  /** File of the table in force. */
  readonly tableFile: string;
  readonly log: Log;
  readonly limits?: Partial<RouterLimits>;
  /** Whether X-Forwarded-* of clients are believed: only behind another proxy. Default false. */
  readonly trustForwarded?: boolean;
}

export interface RouterHandle {
  /** In the order of `listen`. */
  readonly addresses: readonly AddressInfo[];
  /** Without the socket, for whoever runs in the same process. */
  readonly control: RouterControl;
  /** Accepts nothing new, finishes what is inside for at most `capMs`, closes what is idle. */
  stop(capMs: number): Promise<void>;
}

/**
 * Starts a router: the table of the last run first, then its control, then its clients, so that no
 * request comes before the table that it needs.
 *
 * Throws a SlipwayError when it cannot listen, or when the table file is damaged.
 */
export async function startRouter(options: RouterOptions): Promise<RouterHandle> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const plane = new DataPlane({
    limits,
    trustForwarded: options.trustForwarded ?? false,
  });
  const keeper = new TableKeeper(plane, new TableFile(options.tableFile));
  const table = await keeper.restore();
  const control = options.controlPath === null ? null : createControlServer(keeper);
  const servers: Server[] = [];
  try {
    if (control !== null && options.controlPath !== null) await listenOnPath(control, options.controlPath);
    for (const target of options.listen) {
      const server = plane.createServer();
      servers.push(server);
      await listenOn(server, target);
    }
  } catch (error) {
    control?.close();
    for (const server of servers) server.close();
    throw error;
  }
  const addresses = servers.map((server) => server.address() as AddressInfo);
  options.log.info('router serves', {
    generation: table.generation,
    addresses,
    control: options.controlPath,
  });
  return {
    addresses,
    control: keeper,
    stop: async (capMs) => {
      options.log.info('router stops', { capMs });
      for (const server of servers) server.close();
      await plane.stop(capMs);
      control?.close();
      control?.closeAllConnections();
      options.log.info('router stopped', {});
    },
  };
}
