import type { RouteSpec } from '../api/application.ts';
import { type Clock, instant } from '../lib/clock.ts';
import type { Network } from '../lib/network.ts';
import { REVISION_HEADER } from '../router/table.ts';

/** What the own prober counted through a flip: started = total + unfinished. */
export interface ProberEvidence {
  readonly source: 'prober';
  readonly total: number;
  readonly failed: number;
  /** By cause, as the router names them. */
  readonly failures: Readonly<Record<string, number>>;
  /** Asked and not answered when the probing ended: neither a success nor a failure. */
  readonly unfinished: number;
  readonly since: string;
  readonly until: string;
}

export interface Prober {
  /** Ends the asking; resolves when what is under way has been answered or a second has passed. */
  stop(): Promise<ProberEvidence>;
}

export const PROBES_PER_SECOND = 20;
const TIMEOUT_MS = 10_000;
const SETTLE_MS = 1_000;
/** A slow application does not make the prober its heaviest client. */
const MAX_IN_FLIGHT = 40;

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
};
/** What the router answers by itself, 404 where no route leads anywhere; the application's carry the version header. */
const ROUTER_STATUS: Readonly<Record<number, string>> = {
  404: 'noBackend',
  502: 'reset',
  503: 'noBackend',
  504: 'timeout',
};

/** Asks the entry 20 times a second, each time over a fresh connection, without retries. */
export function startProber(options: {
  network: Network;
  clock: Clock;
  entry: string;
  route: RouteSpec;
}): Prober {
  const { network, clock } = options;
  const url = new URL(options.route.path, options.entry).href;
  const headers = { host: hostOf(options.route), 'user-agent': 'slipway-prober' };
  const since = instant(clock.now());
  const failures: Record<string, number> = {};
  let total = 0;
  let failed = 0;
  let stopped = false;
  const inFlight = new Set<Promise<void>>();

  const ask = async () => {
    const cause = await askOnce(network, url, headers);
    total += 1;
    if (cause === null) return;
    failed += 1;
    failures[cause] = (failures[cause] ?? 0) + 1;
  };
  const tick = () => {
    if (stopped) return;
    timer = clock.setTimer(1_000 / PROBES_PER_SECOND, tick);
    if (inFlight.size >= MAX_IN_FLIGHT) return;
    const asking = ask().finally(() => inFlight.delete(asking));
    inFlight.add(asking);
  };
  let timer: Disposable = clock.setTimer(0, tick);
  return {
    stop: async () => {
      stopped = true;
      timer[Symbol.dispose]();
      const settled = Promise.withResolvers<void>();
      using _limit = clock.setTimer(SETTLE_MS, settled.resolve);
      await Promise.race([Promise.all(inFlight), settled.promise]);
      const unfinished = inFlight.size;
      return {
        source: 'prober',
        total,
        failed,
        failures: { ...failures },
        unfinished,
        since,
        until: instant(clock.now()),
      };
    },
  };
}

/** Null when it was answered in full; else the cause. */
async function askOnce(
  network: Network,
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<string | null> {
  try {
    const answer = await network.request({
      url,
      headers,
      timeoutMs: TIMEOUT_MS,
      maxBytes: 1024 * 1024,
      fresh: true,
    });
    if (answer.headers[REVISION_HEADER] !== undefined) return null;
    return ROUTER_STATUS[answer.status] ?? null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return CAUSES[code] ?? 'cut';
  }
}

const hostOf = (route: RouteSpec): string => (route.host ?? 'localhost').replace(/^\*\./, 'probe.');
