/** Uploads: with a length or chunked at random places, some after `100 Continue`, some with a digest trailer. */
import { createHash } from 'node:crypto';
import { Agent, type ClientRequest } from 'node:http';
import { checkUpload } from './checks.ts';
import { type ClientContext, HOLD_MS, type LoadClient } from './client.ts';
import { exchange } from './exchange.ts';
import type { LoadRandom } from './random.ts';

const BODY_BYTES = [0, 1, 700, 4_096, 20_000, 150_000] as const;
const HELD_BACK_PIECES = 5;

interface Upload {
  readonly body: Buffer;
  readonly pieces: readonly Buffer[];
  readonly chunked: boolean;
  readonly expectContinue: boolean;
  readonly trailer: string | null;
  /** Between two pieces. */
  readonly pauseMs: number;
}

export function uploadClient(context: ClientContext): LoadClient {
  const { target, ledger, random, timeoutMs } = context;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    kind: 'upload',
    once: async () => {
      const upload = chooseUpload(random, context.holdsBack);
      const entry = ledger.start('upload', { heldBack: context.holdsBack });
      const outcome = await exchange(target, {
        agent,
        method: 'POST',
        path: '/upload',
        headers: headersOf(upload),
        timeoutMs,
        onHead: entry.sawVersion,
        send: (request) => sendUpload(request, upload),
      });
      const sha256 = createHash('sha256').update(upload.body).digest('hex');
      const sent = { length: upload.body.length, sha256, trailer: upload.trailer };
      const failure = outcome.ok ? checkUpload(outcome.answer, sent) : outcome.failure;
      if (failure === undefined) {
        entry.finish();
        return 'finished';
      }
      entry.fail({ ...failure, detail: `POST /upload (${describe(upload)}): ${failure.detail}` });
      return 'failed';
    },
    close: () => agent.destroy(),
  };
}

function chooseUpload(random: LoadRandom, holdsBack: boolean): Upload {
  const body = random.bytes(holdsBack ? random.between(2_000, 20_000) : random.pick(BODY_BYTES));
  const chunked = holdsBack || random.between(1, 4) > 1;
  const digest = createHash('sha256').update(body).digest('base64');
  return {
    body,
    pieces: holdsBack ? evenPieces(body, HELD_BACK_PIECES) : randomPieces(body, random),
    chunked,
    expectContinue: random.between(1, 4) === 1,
    trailer: chunked && random.between(1, 4) === 1 ? `sha-256=:${digest}:` : null,
    pauseMs: holdsBack ? random.between(HOLD_MS.least, HOLD_MS.most) / (HELD_BACK_PIECES - 1) : 0,
  };
}

function headersOf(upload: Upload): Record<string, string | number> {
  return {
    'content-type': 'application/octet-stream',
    ...(upload.chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': upload.body.length }),
    ...(upload.trailer === null ? {} : { trailer: 'content-digest' }),
    ...(upload.expectContinue ? { expect: '100-continue' } : {}),
  };
}

/** Sends piece by piece. Stops without a word when the request is over before its body: that is judged there. */
function sendUpload(request: ClientRequest, upload: Upload): void {
  let next = 0;
  let timer: NodeJS.Timeout | undefined;
  const sendNext = () => {
    if (request.destroyed) return;
    const piece = upload.pieces[next];
    next += 1;
    if (piece === undefined) {
      if (upload.trailer !== null) request.addTrailers({ 'content-digest': upload.trailer });
      request.end();
    } else {
      request.write(piece);
      timer = setTimeout(sendNext, upload.pauseMs);
    }
  };
  request.once('close', () => clearTimeout(timer));
  if (upload.expectContinue) {
    request.once('continue', sendNext);
    request.flushHeaders();
  } else sendNext();
}

function randomPieces(body: Buffer, random: LoadRandom): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const length = random.between(1, Math.max(1, Math.ceil(body.length / 2)));
    pieces.push(body.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

function evenPieces(body: Buffer, count: number): Buffer[] {
  const length = Math.ceil(body.length / count);
  return Array.from({ length: count }, (_, i) => body.subarray(i * length, (i + 1) * length));
}

function describe(upload: Upload): string {
  const parts = [
    `${upload.body.length} bytes`,
    upload.chunked ? `${upload.pieces.length} chunks` : 'with length',
  ];
  if (upload.expectContinue) parts.push('100-continue');
  if (upload.trailer !== null) parts.push('trailer');
  return parts.join(', ');
}
