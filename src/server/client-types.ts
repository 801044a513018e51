import type { Readable } from 'node:stream';
import type { ApiObject, Stored } from '../api/meta.ts';
import type { Command } from '../api/release.ts';
import type { ListResult, WatchEvent } from '../store/store.ts';
import type { Role } from './authorize.ts';
import type { PlanPreview } from './dependencies.ts';
import type { SecretUse } from './secret-uses.ts';
import type { TokenInfo } from './tokens.ts';
import type { Unmanaged } from './unmanaged.ts';
import type { Explanation } from './why.ts';

/**
 * The API as the CLI and tests use it. Errors are SlipwayErrors again, with their `next` and details. Made
 * by createApiClient.
 */
export interface ApiClient {
  get<T extends ApiObject>(kind: string, name: string, options?: In): Promise<Stored<T>>;
  /** Undefined where there is none. */
  find<T extends ApiObject>(kind: string, name: string, options?: In): Promise<Stored<T> | undefined>;
  list<T extends ApiObject>(kind: string, options?: ListQuery): Promise<ListResult<T>>;
  create<T extends ApiObject>(object: T, options?: In & Dry): Promise<Stored<T>>;
  /** Needs metadata.resourceVersion; `conflict` when the object was changed meanwhile. */
  replace<T extends ApiObject>(object: T, options?: In & Dry): Promise<Stored<T>>;
  /** JSON merge patch; with metadata.resourceVersion in it only on top of that state. */
  patch<T extends ApiObject>(
    kind: string,
    name: string,
    patch: unknown,
    options?: In & Dry & Forced,
  ): Promise<Stored<T>>;
  /** The object while its finalizers work, undefined when it is gone. */
  delete<T extends ApiObject>(
    kind: string,
    name: string,
    options?: In & Preconditions & Forced,
  ): Promise<Stored<T> | undefined>;
  /** Goes on over broken connections, and lists again after a `410`. Without `since` present objects come first as ADDED. */
  watch<T extends ApiObject>(kind: string, options: WatchQuery): AsyncIterable<WatchEvent<T>>;
  /** Gives an operator's verb. Throws `refused` with the reason; `pending` when it was not decided within 10 s. */
  command(
    target: CommandTarget,
    verb: string,
    body?: CommandBody,
  ): Promise<{ state: 'done' | 'pending'; command: Stored<Command> }>;
  plan(
    application: string,
    body: { environment: string; spec?: unknown; to?: string },
    options?: In,
  ): Promise<PlanPreview>;
  why(release: string, options?: In): Promise<Explanation>;
  /** Of an application, released or not: what stands between what was applied and what serves. */
  whyApplication(
    application: string,
    query?: In & { environment?: string | undefined },
  ): Promise<Explanation>;
  /** Applications and environments that are started with values of this secret, made or not. */
  secretUses(secret: string, place?: In): Promise<readonly SecretUse[]>;
  instances(application: string, query?: In & { environment?: string }): Promise<Instances>;
  /** What runs and belongs to no application of the namespace. */
  unmanaged(options?: In): Promise<readonly Unmanaged[]>;
  logs(application: string, query: LogQuery): AsyncIterable<LogLine>;
  hasArtifact(digest: string): Promise<boolean>;
  upload(digest: string, content: Readable, size: number): Promise<{ digest: string; size: number }>;
  /** Writes the backup to a file and answers its size. */
  backup(file: string): Promise<{ bytes: number }>;
  version(): Promise<ManagerVersion>;
  readonly tokens: {
    list(): Promise<readonly TokenInfo[]>;
    create(token: {
      name: string;
      roles: readonly Role[];
      cluster?: string;
    }): Promise<TokenInfo & { token: string }>;
    revoke(name: string): Promise<void>;
  };
  close(): void;
}

export interface In {
  /** Absent: the client's own namespace. */
  readonly namespace?: string;
}
export interface Dry {
  /** Checks everything and stores nothing. */
  readonly dryRun?: boolean;
}
export interface Forced {
  /** Why what is in use goes all the same; absent: that is refused. */
  readonly force?: string;
}
export interface Preconditions {
  readonly resourceVersion?: string;
  readonly uid?: string;
}
export interface ListQuery extends In {
  readonly allNamespaces?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly limit?: number;
  readonly continueToken?: string;
}
export interface WatchQuery extends In {
  readonly allNamespaces?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  /** One object alone. */
  readonly name?: string;
  readonly since?: string;
  readonly signal: AbortSignal;
}
export interface CommandTarget extends In {
  readonly kind: 'Release' | 'Application';
  readonly name: string;
}
export interface CommandBody {
  readonly environment?: string;
  readonly why?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
}
export interface Instances {
  readonly items: readonly ({ readonly cluster: string } & Record<string, unknown>)[];
  /** Clusters that could not be asked. */
  readonly errors: readonly { readonly cluster: string; readonly message: string }[];
}
export interface LogQuery extends In {
  readonly environment?: string;
  readonly workload?: string;
  readonly instance?: string;
  readonly follow?: boolean;
  readonly tailLines?: number;
  readonly signal: AbortSignal;
}
export interface LogLine {
  readonly cluster: string;
  readonly instance?: string;
  readonly line: string;
  readonly at?: string;
}
export interface ManagerVersion {
  readonly version: string;
  readonly node: string;
  readonly clusters: readonly {
    readonly name: string;
    readonly version?: string;
    readonly connected: boolean;
    readonly lastSeen?: string;
    readonly entry?: readonly string[];
  }[];
}
