import type { ApiObject, Stored } from '../api/meta.ts';

/**
 * The Store port: what etcd can promise and no more, so that embedded and Kubernetes modes share every
 * controller. One object at a time; never a commit over several.
 *
 * Promises of every adapter (store/conformance.ts runs them):
 * - An acknowledged write survives `kill -9` and power loss. A write that was not acknowledged may or may
 *   not have happened; it is never seen half.
 * - resourceVersion: a decimal, strictly increasing over the whole store with every write, deletions
 *   included; a restore jumps ahead. Compare it with `compareVersions`, never as text.
 * - update and delete are compare-and-set: a stale resourceVersion is a SlipwayError `conflict`.
 * - A read sees every write that was acknowledged before it began.
 * - watch delivers every change of its kind after `since`, in order, once per change, without gaps; or ends
 *   with a SlipwayError `gone` when `since` was compacted: list again and watch from the list's version.
 * - Fields that this program does not know are kept.
 * - metadata.generation rises with each change of spec; uid is never used again.
 */
export interface Store {
  get<T extends ApiObject>(key: ObjectKey): Promise<Stored<T> | undefined>;
  list<T extends ApiObject>(kind: string, options?: ListOptions): Promise<ListResult<T>>;
  /** `alreadyExists` when the name is taken. Server-set metadata of the argument is ignored. */
  create<T extends ApiObject>(object: T): Promise<Stored<T>>;
  /** Replaces spec, labels, annotations, finalizers and, with `status: true`, status (else it is kept). */
  update<T extends ApiObject>(object: Stored<T>, options?: { status?: boolean }): Promise<Stored<T>>;
  /** Replaces status alone. */
  updateStatus<T extends ApiObject>(object: Stored<T>): Promise<Stored<T>>;
  /**
   * Without finalizers the object goes; with them it gets a deletionTimestamp and goes with the update that
   * removes the last one. Undefined when there was none.
   */
  delete<T extends ApiObject>(
    key: ObjectKey,
    precondition?: { resourceVersion?: string; uid?: string },
  ): Promise<Stored<T> | undefined>;
  watch<T extends ApiObject>(kind: string, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  close(): Promise<void>;
}

export interface ObjectKey {
  readonly kind: string;
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface ListOptions {
  readonly namespace?: string | undefined;
  /** Equality on labels; all must hold. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly limit?: number;
  /** From the previous page; `gone` when too old. */
  readonly continueToken?: string;
}

export interface ListResult<T extends ApiObject> {
  readonly items: readonly Stored<T>[];
  /** The store's version at the moment of the read: watch from here. */
  readonly resourceVersion: string;
  readonly continueToken?: string;
}

export interface WatchOptions {
  /** Changes after this version; absent: from now on. */
  readonly since?: string;
  readonly namespace?: string | undefined;
  readonly labels?: Readonly<Record<string, string>>;
  /** Ends the watch; the iterable then finishes without an error. */
  readonly signal: AbortSignal;
}

export interface WatchEvent<T extends ApiObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** For DELETED the last state, with the resourceVersion of the deletion. */
  readonly object: Stored<T>;
}

/** Order of two resourceVersions. */
export function compareVersions(a: string, b: string): number {
  const x = BigInt(a);
  const y = BigInt(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** What only an embedded store offers (store/sqlite). */
export interface MaintainableStore extends Store {
  /** Consistent copy while running. */
  backup(file: string): Promise<{ bytes: number; resourceVersion: string }>;
  /** Forgets changes older than `before`, for watchers and history; objects stay. */
  compact(before: string): Promise<void>;
  currentVersion(): Promise<string>;
}
