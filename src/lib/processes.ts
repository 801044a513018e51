/** Processes as a port (one-shot commands and supervised groups). */
export interface CommandOutcome {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly ms: number;
}

export interface RunCommand {
  readonly argv: readonly string[];
  readonly cwd?: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly maxBytes?: number;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly signal?: AbortSignal;
}

export interface SpawnGroup {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Both streams are appended to this file. */
  readonly logFile: string;
  /**
   * The wrapper writes `{"code":…,"signal":…}` here when the application ends, atomically, and its pid
   * beside it (`.pid`) before it starts it, and that SIGTERM reached it (`.term`). Of this start alone: the path must never have been used before.
   */
  readonly exitFile: string;
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** Identity that survives a restart of whoever started it: a pid alone may have been used again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque, from the kernel: boot id and start time. */
  readonly startTime: string;
}

export interface ProcessUsage {
  readonly rssBytes: number;
  /** CPU time used so far, in ms, all processes of the group. */
  readonly cpuMs: number;
}

export interface Processes {
  run(command: RunCommand): Promise<CommandOutcome>;
  /** Starts a process group that outlives this process. Rejects when it cannot be started at all. */
  spawnGroup(spawn: SpawnGroup): Promise<ProcessIdentity>;
  /**
   * What became of a `spawnGroup` whose answer was lost with the process that asked: the identity of the
   * group that has this exit file, or `undefined`, and then it will never start any more.
   */
  reclaimGroup(exitFile: string): Promise<ProcessIdentity | undefined>;
  isAlive(identity: ProcessIdentity): Promise<boolean>;
  /** Whether anything of the group still runs, be the wrapper itself gone or not. */
  isGroupAlive(identity: ProcessIdentity): Promise<boolean>;
  /** Sends to the whole group. False when it was gone. */
  signalGroup(identity: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): Promise<boolean>;
  /** Resolves when the process is gone; rejects with the signal's reason. */
  awaitExit(identity: ProcessIdentity, signal?: AbortSignal): Promise<void>;
  usage(identity: ProcessIdentity): Promise<ProcessUsage | undefined>;
}
