import type { TerminalStream } from './terminal/live-region.ts';

/** Where a command reads and writes, so that tests run commands without a process of their own. */
export interface Io {
  readonly stdout: TerminalStream & { readonly isTTY?: boolean };
  readonly stderr: TerminalStream & { readonly isTTY?: boolean };
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly directory: string;
}

/** Everything on standard input as text. Refuses to wait for a person who does not know that it waits. */
export async function readStdin(io: Io, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of io.stdin) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    size += bytes.byteLength;
    if (size > maxBytes) break;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
