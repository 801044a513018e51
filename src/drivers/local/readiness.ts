import { durationMs } from '../../api/duration.ts';
import type { Readiness } from '../../api/workload.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Network } from '../../lib/network.ts';
import type { Processes } from '../../lib/processes.ts';
import type { User } from './executable.ts';
import { exhausted } from './failures.ts';

export interface ProbeOutcome {
  readonly ok: boolean;
  /** What was seen, after "the last probe: ". */
  readonly message: string;
  /** The probe could not be made at all, which says nothing about the instance. */
  readonly ours: boolean;
  /** Something was there to answer it, if not as wanted: the port is not what is wrong. */
  readonly reached: boolean;
}

export interface ProbeTarget {
  readonly host: string;
  readonly port: number | null;
  /** Where a probe by command runs. Only that kind asks; rejects while it cannot be told. */
  surroundings(): Promise<Surroundings>;
}

/** What the instance's own process has, and commands that stand in for it get too. */
export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: User | undefined;
}

/** What a workload asks of its instances, with its defaults: a service without a probe must accept connections. */
export const readinessOf = (spec: {
  readonly readiness?: Readiness | undefined;
  readonly port?: unknown;
}): Readiness =>
  spec.readiness ?? {
    ...(spec.port === undefined ? { command: ALWAYS } : { tcp: {} }),
    interval: '100ms',
    timeout: '1s',
    failureThreshold: 3,
    startTimeout: '60s',
  };

/** A worker without a probe is ready as long as it runs. */
const ALWAYS: string[] = [];

/** Asks once. Never rejects. */
export async function probe(
  readiness: Readiness,
  target: ProbeTarget,
  ports: { readonly network: Network; readonly processes: Processes },
): Promise<ProbeOutcome> {
  const timeoutMs = durationMs(readiness.timeout);
  try {
    if (readiness.command !== undefined)
      return await byCommand(readiness.command, target, timeoutMs, ports.processes);
    if (target.port === null) return { ...no('there is no port to probe'), reached: false };
    if (readiness.http === undefined) {
      await ports.network.connect({ host: target.host, port: target.port, timeoutMs });
      return yes('it accepts connections');
    }
    const { path, expectStatus } = readiness.http;
    const answer = await ports.network.request({
      url: `http://${target.host}:${target.port}${path}`,
      headers: { 'user-agent': 'slipway-readiness' },
      timeoutMs,
      maxBytes: 16_384,
      // A kept connection would tell about a worker of the past, and hold up the application's shutdown.
      fresh: true,
    });
    return expectStatus.includes(answer.status)
      ? yes(`GET ${path} answered ${answer.status}`)
      : no(`GET ${path} answered ${answer.status}, not ${expectStatus.join(' or ')}`);
  } catch (error) {
    const ours = error instanceof NoSurroundings || exhausted(error) !== undefined;
    return { ok: false, message: inWords(error, target), ours, reached: !ours && !isRefused(error) };
  }
}

/** Says nothing about the instance: the probe could not even be tried. */
class NoSurroundings extends Error {
  override readonly name = 'NoSurroundings';
}

const yes = (message: string): ProbeOutcome => ({ ok: true, message, ours: false, reached: true });
const no = (message: string): ProbeOutcome => ({ ok: false, message, ours: false, reached: true });

async function byCommand(
  argv: readonly string[],
  target: ProbeTarget,
  timeoutMs: number,
  processes: Processes,
): Promise<ProbeOutcome> {
  if (argv === ALWAYS) return yes('it runs');
  const { user, cwd, env } = await target.surroundings().catch((cause: unknown) => {
    throw new NoSurroundings(messageOf(cause), { cause });
  });
  const outcome = await processes.run({ argv, cwd, env, timeoutMs, ...(user === undefined ? {} : { user }) });
  if (outcome.timedOut) return no(`${argv[0]} did not end within ${timeoutMs} ms`);
  if (outcome.exitCode === 0) return yes(`${argv[0]} exited with code 0`);
  const said = (outcome.stderr || outcome.stdout).trim().split('\n').at(-1) ?? '';
  return no(`${argv[0]} exited with ${outcome.signal ?? `code ${outcome.exitCode}`}${said && `: ${said}`}`);
}

const isRefused = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';

function inWords(error: unknown, target: ProbeTarget): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ECONNREFUSED':
      return `nothing listens on ${target.host}:${target.port}`;
    case 'ECONNRESET':
      return 'the connection was closed without an answer';
    case 'ETIMEDOUT':
      return 'no answer in time';
    default:
      return messageOf(error);
  }
}
