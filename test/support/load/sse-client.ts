/** An event stream: numbered events without a gap, up to the final chunk. Then a new one. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { failureOf } from './causes.ts';
import { wrongStatus } from './checks.ts';
import type { ClientContext, LoadClient } from './client.ts';
import { EventNumbers } from './event-numbers.ts';
import { hasProvenEnd, headerOf } from './exchange.ts';
import type { Entry } from './ledger.ts';
import type { Failure } from './report.ts';

export function sseClient(context: ClientContext): LoadClient {
  const { target, ledger, timeoutMs } = context;
  return {
    kind: 'sse',
    once: (stop) => {
      const entry = ledger.start('sse');
      return new Promise((resolve) => {
        const request = httpRequest({
          host: target.host,
          port: target.port,
          agent: false,
          path: '/events',
          headers: { host: target.hostHeader, accept: 'text/event-stream' },
        });
        let answering = false;
        const settle = (result: Failure | 'finished' | 'closedByClient') => {
          if (entry.settled) return;
          clearTimeout(silence);
          stop.removeEventListener('abort', leave);
          if (typeof result === 'object') entry.fail({ ...result, detail: `GET /events: ${result.detail}` });
          else entry.finish({ closedByClient: result === 'closedByClient' });
          request.destroy();
          resolve(typeof result === 'object' ? 'failed' : 'finished');
        };
        // Not before the answer has begun: leaving earlier would hide a connection that is refused.
        const leave = () => {
          if (answering) settle('closedByClient');
        };
        const silence = setTimeout(
          () => settle({ cause: 'timeout', detail: `no event for ${timeoutMs} ms` }),
          timeoutMs,
        );
        request.on('error', (error) => settle(failureOf(error, answering)));
        request.on('response', (response) => {
          answering = true;
          entry.sawVersion(headerOf(response, target.versionHeader));
          response.on('error', (error) => settle(failureOf(error, true)));
          follow(response, entry, settle, () => silence.refresh());
          if (stop.aborted) leave();
        });
        stop.addEventListener('abort', leave, { once: true });
        request.end();
      });
    },
    close: () => undefined,
  };
}

function follow(
  response: IncomingMessage,
  entry: Entry,
  settle: (result: Failure | 'finished') => void,
  heard: () => void,
): void {
  if (response.statusCode !== 200) {
    settle(wrongStatus({ status: response.statusCode ?? 0, body: Buffer.alloc(0) }));
    return;
  }
  const numbers = new EventNumbers();
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    heard();
    const seen = numbers.push(chunk);
    if ('gap' in seen) settle({ cause: 'wrongSequence', detail: seen.gap });
    else for (let i = 0; i < seen.events; i += 1) entry.message();
  });
  response.on('end', () => {
    if (!hasProvenEnd(response))
      settle({ cause: 'cut', detail: 'ended by the connection, without a final chunk' });
    else if (numbers.unfinished === '') settle('finished');
    else settle({ cause: 'cut', detail: `ended inside an event: ${JSON.stringify(numbers.unfinished)}` });
  });
}
