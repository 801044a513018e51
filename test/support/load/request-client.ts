/** Ordinary requests: on a kept-alive connection, on one connection each, or slow ones. */
import { Agent } from 'node:http';
import { checkBody } from './checks.ts';
import { type ClientContext, HOLD_MS, type LoadClient } from './client.ts';
import { exchange } from './exchange.ts';
import type { Kind } from './report.ts';

/** Mostly small, as on the web; now and then more than one read of a socket brings. */
const ITEM_BYTES = [0, 120, 500, 1_024, 1_024, 1_024, 1_024, 4_096, 4_096, 8_192, 20_000, 150_000] as const;
const SLOW_MS = { least: 300, most: 800 } as const;

/** A user whose requests are of kind `keepAlive`, `close` or `slow`. */
export function requestClient(
  kind: Exclude<Kind, 'upload' | 'sse' | 'websocket'>,
  context: ClientContext,
): LoadClient {
  const { target, ledger, random, timeoutMs } = context;
  const agent = new Agent({ keepAlive: kind !== 'close', maxSockets: 1 });

  const choose = (): { readonly path: string; readonly bytes?: number } => {
    if (kind === 'slow') return { path: `/slow?ms=${random.between(SLOW_MS.least, SLOW_MS.most)}` };
    if (context.holdsBack) return { path: `/slow?ms=${random.between(HOLD_MS.least, HOLD_MS.most)}` };
    if (context.path !== undefined) return { path: context.path };
    const bytes = random.pick(ITEM_BYTES);
    return { path: `/item?bytes=${bytes}`, bytes };
  };

  return {
    kind,
    once: async () => {
      const { path, bytes } = choose();
      const entry = ledger.start(kind, { heldBack: context.holdsBack });
      const outcome = await exchange(target, { agent, path, timeoutMs, onHead: entry.sawVersion });
      const failure = outcome.ok ? checkBody(outcome.answer, bytes) : outcome.failure;
      if (failure === undefined) {
        entry.finish();
        return 'finished';
      }
      entry.fail({ ...failure, detail: `GET ${path}: ${failure.detail}` });
      return 'failed';
    },
    close: () => agent.destroy(),
  };
}
