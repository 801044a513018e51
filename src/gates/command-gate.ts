import type * as z from 'zod';
import type { CommandGate as CommandGateSchema } from '../api/gate.ts';
import { messageOf } from '../lib/errors.ts';
import type { CommandOutcome, Processes } from '../lib/processes.ts';
import type { Answer } from './run-gate.ts';

export type CommandGate = z.output<typeof CommandGateSchema>;

export interface CommandGatePorts {
  readonly processes: Processes;
  /** What the command may know of the release. */
  readonly variables: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const MAX_OUTPUT_BYTES = 64 * 1024;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Runs an argument array, no shell, in an environment of its own; exit code 0 passes, another one fails. One that was
 * ended before it said so may have done anything: it is asked again only where that does no harm (INV-14).
 */
export async function askCommand(gate: CommandGate, ports: CommandGatePorts): Promise<Answer> {
  let outcome: CommandOutcome;
  try {
    outcome = await ports.processes.run({
      argv: gate.argv,
      env: { PATH, LANG: 'C.UTF-8', ...ports.variables, ...gate.env },
      timeoutMs: ports.timeoutMs,
      maxBytes: MAX_OUTPUT_BYTES,
      signal: ports.signal,
    });
  } catch (error) {
    if (ports.signal.aborted) throw error;
    return { verdict: 'inconclusive', message: `${gate.argv[0]} could not be run: ${messageOf(error)}` };
  }
  const name = gate.argv[0] ?? '';
  const ended = gate.idempotent ? 'inconclusive' : 'unknown';
  if (outcome.timedOut) {
    return {
      verdict: ended,
      message: `${name} took longer than ${ports.timeoutMs} ms and was ended`,
    };
  }
  if (outcome.exitCode === 0)
    return { verdict: 'pass', message: withTail(`${name} ended with code 0`, outcome) };
  if (outcome.exitCode === null) {
    return { verdict: ended, message: `${name} was ended by ${outcome.signal ?? 'a signal'}` };
  }
  return { verdict: 'fail', message: withTail(`${name} ended with code ${outcome.exitCode}`, outcome) };
}

/** The last line that the command wrote, errors first. */
function withTail(text: string, { stdout, stderr }: CommandOutcome): string {
  const last = (output: string) => output.trimEnd().split('\n').at(-1)?.trim() ?? '';
  const tail = last(stderr) || last(stdout);
  return tail === '' ? text : `${text}: ${tail.slice(0, 200)}`;
}
