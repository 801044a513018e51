import { spawn } from 'node:child_process';
import type { Clock } from './clock.ts';
import type { CommandOutcome, RunCommand } from './processes.ts';

const DEFAULT_MAX_BYTES = 64 * 1_024;

/**
 * Runs one command to its end, in a process group of its own that is killed whole at the time limit or when
 * the caller aborts. Output past `maxBytes` is read and thrown away, so that the command never blocks on it.
 * Rejects when it cannot be started (Node's `code`: ENOENT, EACCES, EAGAIN, …) or with the signal's reason.
 */
export function runCommand(command: RunCommand, clock: Clock): Promise<CommandOutcome> {
  const [file, ...args] = command.argv;
  if (file === undefined) return Promise.reject(new TypeError('a command needs at least one word'));
  if (command.signal?.aborted) return Promise.reject(command.signal.reason);
  const limit = command.maxBytes ?? DEFAULT_MAX_BYTES;
  const startedAt = clock.monotonic();

  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: command.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
      ...(command.user === undefined ? {} : command.user),
    });
    const output = { stdout: collector(limit), stderr: collector(limit) };
    child.stdout.on('data', output.stdout.add);
    child.stderr.on('data', output.stderr.add);

    let timedOut = false;
    const kill = (): void => {
      if (child.pid === undefined) return;
      killGroup(child.pid);
      // A descendant in a group of its own may still hold the pipes, which would keep `close` away.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const onAbort = (): void => kill();
    const limitTimer = clock.setTimer(command.timeoutMs, () => {
      timedOut = true;
      kill();
    });
    command.signal?.addEventListener('abort', onAbort, { once: true });
    const settle = (): void => {
      limitTimer[Symbol.dispose]();
      command.signal?.removeEventListener('abort', onAbort);
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('close', (exitCode, signal) => {
      settle();
      if (command.signal?.aborted) {
        reject(command.signal.reason);
        return;
      }
      resolve({
        exitCode,
        signal,
        stdout: output.stdout.text(),
        stderr: output.stderr.text(),
        timedOut,
        ms: clock.monotonic() - startedAt,
      });
    });
  });
}

/** SIGKILL to the whole group; one that is gone already is what was wanted. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function collector(limit: number): { add: (chunk: Buffer) => void; text: () => string } {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    add: (chunk) => {
      const kept = chunk.subarray(0, Math.max(0, limit - size));
      size += kept.length;
      if (kept.length > 0) chunks.push(kept);
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}
