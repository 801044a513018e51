import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** One process as the kernel shows it. */
export interface ProcessEntry {
  readonly pid: number;
  /** Process group. */
  readonly group: number;
  /** Opaque and unique together with the pid: boot id and start time. */
  readonly startTime: string;
  /** Ended, but nobody asked for its exit status yet. */
  readonly zombie: boolean;
  readonly rssBytes: number;
  /** User and system time used so far. */
  readonly cpuMs: number;
}

/** Reads the operating system's processes; nothing here changes any. */
export interface ProcessTable {
  get(pid: number): Promise<ProcessEntry | undefined>;
  list(): Promise<ProcessEntry[]>;
  /** Its arguments; undefined when it is gone. */
  arguments(pid: number): Promise<string | undefined>;
}

const execute = promisify(execFile);

/** `/proc` where there is one (Linux), `ps` elsewhere. */
export function systemProcessTable(platform: NodeJS.Platform = process.platform): ProcessTable {
  return platform === 'linux' ? linuxTable() : psTable();
}

interface KernelUnits {
  readonly bootId: string;
  readonly pageBytes: number;
  readonly ticksPerSecond: number;
}

async function readUnits(): Promise<KernelUnits> {
  const number = async (name: string, fallback: number): Promise<number> => {
    try {
      return Number((await execute('getconf', [name])).stdout) || fallback;
    } catch {
      // Small images have no getconf; these are the values nearly everywhere, and only usage depends on them.
      return fallback;
    }
  };
  const [bootId, pageBytes, ticksPerSecond] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    number('PAGESIZE', 4_096),
    number('CLK_TCK', 100),
  ]);
  return { bootId: bootId.trim(), pageBytes, ticksPerSecond };
}

/** Gone between two looks: no error for whoever reads a table of processes. */
const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '');

async function unlessGone<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function linuxTable(): ProcessTable {
  let units: Promise<KernelUnits> | undefined;
  const get = async (pid: number): Promise<ProcessEntry | undefined> => {
    units ??= readUnits();
    const [text, known] = await Promise.all([unlessGone(readFile(`/proc/${pid}/stat`, 'utf8')), units]);
    return text === undefined ? undefined : parseStat(text, known);
  };
  return {
    get,
    list: async () => {
      const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
      const entries = await Promise.all(names.map((name) => get(Number(name))));
      return entries.filter((entry) => entry !== undefined);
    },
    arguments: async (pid) => {
      const text = await unlessGone(readFile(`/proc/${pid}/cmdline`, 'utf8'));
      return text?.replaceAll('\0', ' ');
    },
  };
}

/** `proc_pid_stat(5)`: the name in brackets may hold spaces and brackets, so fields count from the last `)`. */
export function parseStat(text: string, units: KernelUnits): ProcessEntry | undefined {
  const close = text.lastIndexOf(')');
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(close + 2).split(' ');
  // Field 3 (state) is fields[0]: field n is fields[n - 3].
  const field = (n: number): string => fields[n - 3] ?? '';
  if (close < 0 || fields.length < 22 || Number.isNaN(pid)) return undefined;
  return {
    pid,
    group: Number(field(5)),
    startTime: `${units.bootId}:${field(22)}`,
    zombie: field(3) === 'Z' || field(3) === 'X',
    rssBytes: Number(field(24)) * units.pageBytes,
    cpuMs: ((Number(field(14)) + Number(field(15))) * 1_000) / units.ticksPerSecond,
  };
}

function psTable(): ProcessTable {
  const columns = 'pid=,pgid=,stat=,rss=,time=,lstart=';
  const query = async (selection: readonly string[]): Promise<ProcessEntry[]> => {
    try {
      const { stdout } = await execute('ps', [...selection, '-o', columns], {
        env: { PATH: '/bin:/usr/bin', LC_ALL: 'C' },
      });
      return stdout
        .split('\n')
        .map(parsePs)
        .filter((entry) => entry !== undefined);
    } catch (error) {
      // ps exits with 1 and says nothing when no process matches.
      if ((error as { code?: unknown }).code === 1) return [];
      throw error;
    }
  };
  return {
    get: async (pid) => (await query(['-p', String(pid)]))[0],
    list: () => query(['-A']),
    arguments: async (pid) => {
      try {
        return (await execute('ps', ['-p', String(pid), '-ww', '-o', 'command='])).stdout.trim();
      } catch (error) {
        if ((error as { code?: unknown }).code === 1) return undefined;
        throw error;
      }
    },
  };
}

/** One line of `ps -o pid=,pgid=,stat=,rss=,time=,lstart=`. */
export function parsePs(line: string): ProcessEntry | undefined {
  const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\d+)\s+(\S+)\s+(\S.*)$/.exec(line);
  if (match === null) return undefined;
  const [, pid, group, state = '', rss, time = '', start = ''] = match;
  return {
    pid: Number(pid),
    group: Number(group),
    startTime: start.trim(),
    zombie: state.startsWith('Z'),
    rssBytes: Number(rss) * 1_024,
    cpuMs: parsePsTime(time),
  };
}

/** `[[days-]hours:]minutes:seconds[.hundredths]` in ms. */
function parsePsTime(text: string): number {
  const [days, clock = ''] = text.includes('-') ? text.split('-') : ['0', text];
  const seconds = clock.split(':').reduce((total, part) => total * 60 + Number(part), 0);
  return Math.round((Number(days) * 86_400 + seconds) * 1_000);
}
