import type { Clock } from '../../lib/clock.ts';
import type { Files } from '../../lib/files.ts';
import type { Log } from '../../lib/log.ts';
import type { Network } from '../../lib/network.ts';
import type { Processes } from '../../lib/processes.ts';
import type { RouterControl } from '../../router/control-client.ts';
import type { DrainRecord } from '../cluster-driver.ts';
import type { User } from './executable.ts';
import type { Instance } from './instance.ts';
import type { LocalDriverOptions } from './options.ts';
import type { Ports } from './ports.ts';
import type { ProofVerdict } from './proof.ts';
import type { Slots } from './slots.ts';

/** What an instance needs of its surroundings; one for all of a driver. */
export interface InstanceContext {
  readonly clock: Clock;
  readonly files: Files;
  readonly log: Log;
  readonly network: Network;
  readonly processes: Processes;
  readonly control: RouterControl;
  readonly artifacts: LocalDriverOptions['artifacts'];
  readonly secrets: LocalDriverOptions['secrets'];
  readonly instancesRoot: string;
  readonly user: User | undefined;
  readonly path: string;
  readonly ports: Ports;
  /** Instances that start at the same time. */
  readonly starts: Slots;
  /** Aborted when the driver stops. Processes go on. */
  readonly signal: AbortSignal;
  /** Something about the instance changed that its workload or the table may have to follow. */
  changed(instance: Instance): void;
  /** Resolves when the table as it should be now is in force. */
  tableInForce(): Promise<void>;
  /** Whether the table gives it public traffic, as acknowledged. */
  isServing(id: string): boolean;
  prove(instance: Instance, signal: AbortSignal): Promise<ProofVerdict>;
  drained(instance: Instance, record: DrainRecord): Promise<void>;
}
