import { SlipwayError } from '../lib/errors.ts';

/**
 * One request to a manager on this machine, by the Unix socket in its data directory. TLS and node:http are most
 * of what a short command costs (a third of `slipway get`), and a socket that one user alone can open needs
 * neither: HTTP/1.1 (RFC 9112) with one request a connection and an answer whose length is known. What streams
 * goes the other way, over TLS.
 */
export interface LocalRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** ms without a byte from the manager before it is given up. */
  readonly timeoutMs: number;
  /** Longest answer that is taken. */
  readonly maxBytes: number;
}

export interface LocalAnswer {
  readonly status: number;
  readonly body: Buffer;
}

const MAX_HEAD_BYTES = 65_536;
const END_OF_HEAD = Buffer.from('\r\n\r\n');

/**
 * Undefined where another way may be tried: nobody listens at `socketPath`, so that nothing was sent; or who
 * listened went before a byte of an answer, as a manager that stops does, and the question changes nothing.
 */
export function askLocally(socketPath: string, request: LocalRequest): Promise<LocalAnswer | undefined> {
  const head = headOf(request);
  // Not imported: the module form of a built-in evaluates all that it exports.
  const { connect } = process.getBuiltinModule('node:net');
  return new Promise((resolve, reject) => {
    const reader = new AnswerReader(request.maxBytes);
    let connected = false;
    let answered = false;
    const socket = connect({ path: socketPath });
    const settle = (finish: () => void) => {
      finish();
      socket.destroy();
    };
    const fail = (error: SlipwayError) => settle(() => reject(error));
    const broke = (error: SlipwayError) => {
      const harmless = !connected || (!answered && request.method === 'GET');
      if (harmless) settle(() => resolve(undefined));
      else fail(error);
    };
    socket.setTimeout(request.timeoutMs, () =>
      fail(unavailable('timeout', `the manager did not answer within ${request.timeoutMs} ms`)),
    );
    socket.once('connect', () => {
      connected = true;
      socket.write(request.body === undefined ? head : Buffer.concat([Buffer.from(head), request.body]));
    });
    socket.on('data', (chunk: Buffer) => {
      answered = true;
      try {
        const answer = reader.add(chunk);
        if (answer !== undefined) settle(() => resolve(answer));
      } catch (error) {
        settle(() => reject(error as Error));
      }
    });
    socket.once('error', (cause) => {
      broke(unavailable('unavailable', `the connection to the manager broke (${cause.message})`, cause));
    });
    socket.once('close', () => broke(unavailable('unavailable', 'the answer broke off')));
  });
}

const unavailable = (code: 'timeout' | 'unavailable', message: string, cause?: unknown): SlipwayError =>
  new SlipwayError(code, message, { next: 'slipway status', cause });

/** Refuses (`badRequest`) what would end a line early, and so say more than was meant. */
function headOf({ method, path, headers, body }: LocalRequest): string {
  if (/[^\x21-\x7e]/.test(path)) throw new SlipwayError('badRequest', `${path} is no address of the API`);
  const lines = [`${method} ${path} HTTP/1.1`, 'host: localhost', 'connection: close'];
  for (const [name, value] of Object.entries(headers)) {
    if (/[^\x20-\x7e]/.test(value)) {
      const what = name === 'authorization' ? 'the token' : `the header ${name}`;
      throw new SlipwayError('badRequest', `${what} has a character that cannot be sent`);
    }
    lines.push(`${name}: ${value}`);
  }
  if (body !== undefined) lines.push(`content-length: ${body.length}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Puts one answer together out of the pieces in which it comes. */
export class AnswerReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #size = 0;
  #head: { readonly status: number; readonly start: number; readonly length: number } | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The answer once it is whole. Throws `tooLarge`, or `internal` where it is none of a manager. */
  add(chunk: Buffer): LocalAnswer | undefined {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    this.#head ??= this.#readHead();
    if (this.#head === undefined) return undefined;
    const { status, start, length } = this.#head;
    if (this.#size < start + length) return undefined;
    return { status, body: Buffer.concat(this.#chunks).subarray(start, start + length) };
  }

  #readHead() {
    const bytes = this.#chunks.length === 1 ? (this.#chunks[0] ?? END_OF_HEAD) : Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    const end = bytes.indexOf(END_OF_HEAD);
    if (end < 0) {
      if (this.#size > MAX_HEAD_BYTES) throw notAManager();
      return undefined;
    }
    const [first = '', ...fields] = bytes.toString('latin1', 0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.1 ([2-5]\d\d)(?: |$)/.exec(first)?.[1]);
    const length = status === 204 ? 0 : lengthOf(fields);
    if (Number.isNaN(status) || length === undefined) throw notAManager();
    if (length > this.#maxBytes) throw new SlipwayError('tooLarge', 'the answer is too large: ask for pages');
    return { status, start: end + END_OF_HEAD.length, length };
  }
}

function lengthOf(fields: readonly string[]): number | undefined {
  const lengths = fields.flatMap(
    (field) => /^content-length:[ \t]*(\d{1,15})[ \t]*$/i.exec(field)?.[1] ?? [],
  );
  return lengths.length === 1 ? Number(lengths[0]) : undefined;
}

const notAManager = (): SlipwayError =>
  new SlipwayError('internal', 'what answers at the socket of the data directory is no Slipway manager', {
    next: 'slipway status',
  });
