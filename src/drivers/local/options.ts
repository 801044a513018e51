import type { Clock } from '../../lib/clock.ts';
import type { Files } from '../../lib/files.ts';
import type { Log } from '../../lib/log.ts';
import type { Network } from '../../lib/network.ts';
import type { Processes } from '../../lib/processes.ts';
import type { Random } from '../../lib/random.ts';
import type { RouterControl } from '../../router/control-client.ts';
import type { User } from './executable.ts';
import type { InstanceProof } from './proof.ts';

/** What the local driver stands on. */
export interface LocalDriverOptions {
  /** Slipway's data directory; the driver keeps its own under `agent/`. */
  readonly dataDirectory: string;
  readonly routerControl: RouterControl;
  /** Directory with the unpacked artifact. Rejects with `notFound` where there is none by this digest. */
  readonly artifacts: (digest: string) => Promise<string>;
  /** Values of a Secret. Rejects with `notFound` where there is none by this name. */
  readonly secrets: (namespace: string, name: string) => Promise<Readonly<Record<string, string>>>;
  readonly processes: Processes;
  readonly network: Network;
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where the router takes public traffic, as seen from here. */
  readonly entry: { readonly host: string; readonly port: number };
  /** How an instance is proven before it is admitted: requests through the router, or another strategy. */
  readonly proof: { readonly requests: number } | InstanceProof;
  /** Whom applications run as; needs root. Absent: as Slipway's own user, who can read Slipway's token. */
  readonly user?: User;
  /** PATH of applications. */
  readonly path?: string;
  readonly limits?: Partial<Limits>;
}

export interface Limits {
  /** Instances that start at the same time. */
  readonly concurrentStarts: number;
  /** Time in which the port of an instance that has gone is not used again. */
  readonly quarantineMs: number;
  /** Size at which a log is rotated, and how many rotated ones are kept. */
  readonly logBytes: number;
  readonly logFiles: number;
  /** Directories of ended instances that are kept per workload for their logs. */
  readonly endedKept: number;
  /** The same over all workloads that are gone. */
  readonly forgottenKept: number;
  /** And none of those for longer than this. */
  readonly forgottenMs: number;
}

/** Where instances listen and the router looks for them. */
export const INSTANCE_HOST = '127.0.0.1';
