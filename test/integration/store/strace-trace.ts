import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** Calls that change files, and what is written to standard output, in the order in which they came back. */
export type Call =
  | { readonly type: 'open'; readonly path: string; readonly create: boolean; readonly truncate: boolean }
  | { readonly type: 'write'; readonly path: string; readonly at: number; readonly data: Buffer }
  | { readonly type: 'truncate'; readonly path: string; readonly size: number }
  | { readonly type: 'sync'; readonly path: string; readonly succeeded: boolean }
  | { readonly type: 'unlink'; readonly path: string }
  | { readonly type: 'say'; readonly text: string };

const CALLS =
  'openat,open,creat,pwrite64,write,pwritev,writev,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat';

/** The strace command that records a program into a file. `inject` as strace's `-e inject=`. */
export const traced = (file: string, command: readonly string[], inject?: string): string[] => [
  'strace',
  ...['-f', '-y', '-xx', '-s', '10000000', '-o', file, '-e', `trace=${CALLS}`],
  ...(inject === undefined ? [] : ['-e', `inject=${inject}`]),
  ...command,
];

/** The calls of a recorded trace that matter to files below `directory`. */
export async function* readTrace(file: string, directory: string): AsyncGenerator<Call> {
  const begun = new Map<string, string>();
  for await (const line of createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    const pid = line.slice(0, line.indexOf(' '));
    let call = line.slice(pid.length).trim();
    if (call.endsWith('<unfinished ...>')) {
      begun.set(pid, call.slice(0, -'<unfinished ...>'.length).trimEnd());
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/s.exec(call);
    if (resumed !== null) call = (begun.get(pid) ?? '') + (resumed[1] ?? '');
    const parsed = parse(call, directory);
    if (parsed !== undefined) yield parsed;
  }
}

function parse(call: string, directory: string): Call | undefined {
  const name = call.slice(0, call.indexOf('('));
  // The last one: an error is followed by its name, and an injected one says so, in brackets again.
  // `?` where the process was killed inside the call.
  const result = /^.*\)\s+= (-?\d+|\?)/s.exec(call);
  if (result === null) return undefined;
  const succeeded = Number(result[1]) >= 0;
  const of = pathOf(call);
  if (name === 'write' && call.startsWith('write(1<') && succeeded)
    return { type: 'say', text: String(dataOf(call)) };
  if (of === undefined || !(of === directory || of.startsWith(`${directory}/`))) return undefined;
  const numbers = /, (\d+)(?:, (\d+))?\)\s+= -?\d+[^)]*$/.exec(call);
  switch (name) {
    case 'openat':
    case 'open':
      if (!succeeded) return undefined;
      return { type: 'open', path: of, create: call.includes('O_CREAT'), truncate: call.includes('O_TRUNC') };
    case 'pwrite64':
      if (!succeeded) return undefined;
      return {
        type: 'write',
        path: of,
        at: Number(numbers?.[2]),
        data: dataOf(call).subarray(0, Number(result[1])),
      };
    case 'ftruncate':
      return succeeded ? { type: 'truncate', path: of, size: Number(numbers?.[1]) } : undefined;
    case 'fsync':
    case 'fdatasync':
      return { type: 'sync', path: of, succeeded };
    case 'unlink':
      return succeeded ? { type: 'unlink', path: of } : undefined;
    default:
      throw new Error(`the store made a call that the simulated disk does not know: ${call.slice(0, 200)}`);
  }
}

/** The path of the file: of the descriptor, or the first text for calls that take a path. */
function pathOf(call: string): string | undefined {
  const ofDescriptor = /^\w+\(\d+<((?:\\x[0-9a-f]{2})+)>/.exec(call)?.[1];
  const text = ofDescriptor ?? /"((?:\\x[0-9a-f]{2})+)"/.exec(call)?.[1];
  return text === undefined ? undefined : String(unhex(text));
}

const dataOf = (call: string): Buffer => unhex(/"((?:\\x[0-9a-f]{2})*)"/.exec(call)?.[1] ?? '');

const unhex = (text: string): Buffer => Buffer.from(text.replaceAll('\\x', ''), 'hex');
