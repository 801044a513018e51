/** A WebSocket that sends all the time and checks every echo, until the server says goodbye. Then a new one. */
import { WebSocket } from 'ws';
import { failureOf } from './causes.ts';
import type { ClientContext, LoadClient } from './client.ts';
import { headerOf } from './exchange.ts';
import type { Failure } from './report.ts';

const PAUSE_MS = 40;
const MESSAGE_BYTES = [1, 60, 125, 126, 1_000, 40_000] as const;
/** Normal, going away, no code given, service restart (RFC 6455, section 7.4 and its registry). */
const PROPER_CLOSES: ReadonlySet<number> = new Set([1000, 1001, 1005, 1012]);
const NO_CLOSE_FRAME = 1006;

export function websocketClient(context: ClientContext): LoadClient {
  const { target, ledger, random, timeoutMs } = context;
  return {
    kind: 'websocket',
    once: (stop) => {
      const entry = ledger.start('websocket');
      return new Promise((resolve) => {
        const socket = new WebSocket(`ws://${target.host}:${target.port}/ws`, {
          headers: { host: target.hostHeader },
          perMessageDeflate: false,
        });
        let opened = false;
        let leaving = false;
        let sent: Buffer | undefined;
        let pause: NodeJS.Timeout | undefined;

        const settle = (result: Failure | 'finished' | 'closedByClient') => {
          if (entry.settled) return;
          clearTimeout(silence);
          clearTimeout(pause);
          stop.removeEventListener('abort', leave);
          if (typeof result === 'object') entry.fail({ ...result, detail: `GET /ws: ${result.detail}` });
          else entry.finish({ closedByClient: result === 'closedByClient' });
          socket.terminate();
          resolve(typeof result === 'object' ? 'failed' : 'finished');
        };
        const silence = setTimeout(() => {
          const what = opened ? 'no echo' : 'no handshake';
          settle({ cause: 'timeout', detail: `${what} for ${timeoutMs} ms` });
        }, timeoutMs);
        const leave = () => {
          // Not before the handshake: leaving earlier would hide a connection that is refused.
          leaving = true;
          clearTimeout(pause);
          if (opened) socket.close(1000);
        };
        const send = () => {
          sent = random.bytes(random.pick(MESSAGE_BYTES));
          socket.send(sent);
        };

        socket.on('upgrade', (response) => entry.sawVersion(headerOf(response, target.versionHeader)));
        socket.on('unexpected-response', (_request, response) => {
          entry.sawVersion(headerOf(response, target.versionHeader));
          settle({ cause: 'wrongStatus', detail: `${response.statusCode} instead of 101` });
        });
        socket.on('open', () => {
          opened = true;
          if (leaving) socket.close(1000);
          else send();
        });
        socket.on('message', (echo: Buffer) => {
          if (sent === undefined || !sent.equals(echo)) {
            settle({
              cause: 'wrongEcho',
              detail: `sent ${sent?.length ?? 'nothing'} bytes, got ${echo.length} others`,
            });
            return;
          }
          sent = undefined;
          entry.message();
          silence.refresh();
          if (!leaving) pause = setTimeout(send, PAUSE_MS);
        });
        socket.on('error', (error) => settle(failureOfWebSocket(error, opened)));
        socket.on('close', (code) => {
          if (code === NO_CLOSE_FRAME) settle({ cause: 'cut', detail: 'ended without a close frame' });
          else if (!PROPER_CLOSES.has(code)) settle({ cause: 'wrongClose', detail: `closed with ${code}` });
          else settle(leaving ? 'closedByClient' : 'finished');
        });
        stop.addEventListener('abort', leave, { once: true });
      });
    },
    close: () => undefined,
  };
}

/** ws names broken frames `WS_ERR_…`, and a handshake that is no handshake only in words. */
function failureOfWebSocket(error: Error & { code?: string }, opened: boolean): Failure {
  if (error.code?.startsWith('WS_ERR_') || /^(Invalid|Unexpected|Missing) /.test(error.message)) {
    return { cause: 'malformed', detail: error.message };
  }
  return failureOf(error, opened);
}
