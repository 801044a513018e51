import { connect, type Socket } from 'node:net';
import { SlipwayError } from '../lib/errors.ts';
import { systemProcessTable } from '../lib/process-table.ts';
import type { DataDirectory } from './data-directory.ts';
import { goneWithin } from './end-process.ts';
import type { ControlLine, ControlVerb, SupervisorStatus } from './supervisor-control.ts';
import { readSupervisor } from './supervisor-record.ts';

/** A process that has said its last word ends within this, ms. */
const END_MS = 10_000;

/**
 * Asks the supervisor and yields its lines until it closes or `signal` is aborted; after a `stop` its process is
 * gone too. Rejects with `unavailable` when none answers on this data directory.
 */
export async function* ask(
  data: DataDirectory,
  verb: ControlVerb,
  signal?: AbortSignal,
): AsyncGenerator<ControlLine> {
  const socket = connect(data.supervisorSocket);
  const onAbort = (): void => void socket.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('close', () => reject(new Error('closed')));
      socket.once('error', reject);
    }).catch((error: unknown) => {
      throw new SlipwayError('unavailable', `No Slipway runs on ${data.root}.`, {
        next: 'slipway up',
        cause: error,
      });
    });
    const supervisor = readSupervisor(data);
    socket.write(`${verb}\n`);
    yield* linesOf(socket);
    // Its last line is not its end: until then it may still write to the data directory.
    if (verb === 'stop' && supervisor !== undefined)
      await goneWithin(systemProcessTable(), supervisor, END_MS);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

/** Ends with the connection, also when the supervisor was killed or this side hung up. */
async function* linesOf(socket: Socket): AsyncGenerator<ControlLine> {
  let text = '';
  socket.setEncoding('utf8');
  try {
    for await (const chunk of socket) {
      text += chunk as string;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as ControlLine;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ECONNRESET' && code !== 'EPIPE' && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

/** How it is now; undefined when no supervisor answers. */
export async function supervisorStatus(data: DataDirectory): Promise<SupervisorStatus | undefined> {
  try {
    for await (const line of ask(data, 'status')) {
      if (line.type === 'status') return line.status;
    }
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
  }
  return undefined;
}
