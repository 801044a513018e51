import type { Place, Standing } from '../api/standing.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Store } from '../store/store.ts';
import type { PendingCommands } from './pending-commands.ts';
import type { Remembered } from './remembered.ts';

/** What every controller works with. */
export interface ControllerContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Version of this program: releases and executions carry it, and only it advances them (INV-16). */
  readonly version: string;
  readonly pending: PendingCommands;
  readonly remembered: Remembered;
  /** What stands of a place in a cluster; undefined where that is not known. */
  standing(cluster: string, place: Place): Standing | undefined;
  /** Clusters whose agent is connected now. */
  connectedClusters(): readonly string[];
}

/** On a Revision: the release that brought it last. It outlives that release, whose name is not given again. */
export const RELEASED_BY_ANNOTATION = 'slipway.dev/released-by';

export const LABELS = {
  application: 'slipway.dev/application',
  environment: 'slipway.dev/environment',
  release: 'slipway.dev/release',
} as const;

/** Names may be longer than a label's 63 characters; the tail, with the revision, tells them apart. */
export const labelValue = (name: string): string => name.slice(-63).replace(/^[^a-z0-9]+/, '');
