/** Makes the users of a load and keeps each of them busy until it is told to stop. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientContext, LoadClient } from './client.ts';
import type { Ledger } from './ledger.ts';
import { type LoadSettings, shareClients } from './options.ts';
import { Pace } from './pace.ts';
import { seededRandom } from './random.ts';
import type { Kind } from './report.ts';
import { requestClient } from './request-client.ts';
import { sseClient } from './sse-client.ts';
import { uploadClient } from './upload-client.ts';
import { websocketClient } from './websocket-client.ts';

/** Two of them overlap, so that hardly a moment is without one. */
const HELD_BACK_PER_KIND = 2;
const UNPACED_INTERVAL_MS = 20;
/** After a failure a user waits a moment: a service that is down must not be counted by the speed of the loop. */
const AFTER_FAILURE_MS = 100;

export interface PacedClient {
  readonly client: LoadClient;
  /** Between two starts. */
  readonly intervalMs: number;
  /** Of the interval, before the first start: 0 to 1. */
  readonly phase: number;
}

const MAKERS: Readonly<Record<Kind, (context: ClientContext) => LoadClient>> = {
  keepAlive: (context) => requestClient('keepAlive', context),
  close: (context) => requestClient('close', context),
  slow: (context) => requestClient('slow', context),
  upload: uploadClient,
  sse: sseClient,
  websocket: websocketClient,
};

export function makeClients(settings: LoadSettings, ledger: Ledger): PacedClient[] {
  const random = seededRandom(settings.seed);
  const wanted = [...shareClients(settings.clients, settings.kinds)].flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, i) => ({ kind, holdsBack: holdsBack(settings, kind, i, count) })),
  );
  const isPaced = (user: (typeof wanted)[number]) => !user.holdsBack && !isLong(user.kind);
  const intervalMs = (wanted.filter(isPaced).length * 1_000) / Math.max(settings.rate, 0.001);
  return wanted.map((user, i) => ({
    client: MAKERS[user.kind]({
      target: settings.target,
      ledger,
      random: random.split(),
      timeoutMs: settings.timeoutMs,
      path: settings.path,
      holdsBack: user.holdsBack,
    }),
    intervalMs: isPaced(user) ? intervalMs : UNPACED_INTERVAL_MS,
    phase: i / wanted.length,
  }));
}

/** Sends one request after another until `stop`; the last one is finished, not cut. */
export async function keepBusy(user: PacedClient, stop: AbortSignal): Promise<void> {
  const pace = new Pace(user.intervalMs, user.phase, performance.now());
  const { client } = user;
  try {
    while (await waited(pace.take(performance.now()), stop)) {
      const result = await client.once(stop);
      if (result === 'failed') await waited(AFTER_FAILURE_MS, stop);
    }
  } finally {
    client.close();
  }
}

/** False when it was stopped. */
async function waited(ms: number, stop: AbortSignal): Promise<boolean> {
  if (ms > 0 && !stop.aborted) await sleep(ms, undefined, { signal: stop }).catch(() => undefined);
  return !stop.aborted;
}

function holdsBack(settings: LoadSettings, kind: Kind, index: number, count: number): boolean {
  // One user at the least sends ordinary requests.
  return settings.holdBack && !isLong(kind) && index < Math.min(HELD_BACK_PER_KIND, count - 1);
}

function isLong(kind: Kind): boolean {
  return kind === 'slow' || kind === 'sse' || kind === 'websocket';
}
