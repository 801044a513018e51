import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { ControlSocketClient } from '../router/control-socket-client.ts';

/** Longest time for ordinary requests to leave at a stop, ms. */
const DRAIN_MS = 30_000;

/** Waits until no ordinary request is inside an application; streams are the applications' own to end. */
export async function drained(socket: string, log: Log): Promise<void> {
  const control = new ControlSocketClient(socket);
  try {
    const { backends } = await control.getTable();
    const each = backends.map(({ id }) => control.awaitDrained(id, { streams: false, timeoutMs: DRAIN_MS }));
    await Promise.all(each);
  } catch (error) {
    // It has nothing inside any more and is gone, or it died: there is nothing to wait for.
    log.info('the router does not tell what is inside it', { error: messageOf(error) });
  }
}
