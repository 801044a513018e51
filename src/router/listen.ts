import { rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { SlipwayError } from '../lib/errors.ts';

/** Where a router accepts clients: an address, or a descriptor that the supervisor opened and handed on. */
export type ListenTarget = { readonly host: string; readonly port: number } | { readonly fd: number };

/** A path for a Unix socket is limited by the kernel's sockaddr_un. */
const MAX_SOCKET_PATH_BYTES = 107;

export function listenOn(server: Server, target: ListenTarget): Promise<void> {
  const where = 'fd' in target ? `descriptor ${target.fd}` : `${target.host}:${target.port}`;
  const backlog = 4096;
  return listening(server, where, () =>
    server.listen(
      'fd' in target ? { fd: target.fd, backlog } : { host: target.host, port: target.port, backlog },
    ),
  );
}

/**
 * Listens on a Unix socket that only this user can open. A socket file that a dead process left behind
 * is replaced; one that somebody answers on is not.
 */
export async function listenOnPath(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new SlipwayError(
      'invalid',
      `the control socket's path is longer than ${MAX_SOCKET_PATH_BYTES} bytes: ${path}`,
      {
        next: 'choose a data directory with a shorter path',
      },
    );
  }
  if (await isAnswered(path)) {
    throw new SlipwayError('conflict', `another router already answers on ${path}`, {
      next: 'slipway status',
    });
  }
  rmSync(path, { force: true });
  await listening(server, path, () => {
    // The socket gets its mode from the umask as it is bound, which happens before listen returns.
    const before = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
  });
}

function listening(server: Server, where: string, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void =>
      reject(
        new SlipwayError('unavailable', reason(where, error), {
          next: 'slipway status',
          cause: error,
        }),
      );
    server.once('error', fail);
    server.once('listening', () => {
      server.off('error', fail);
      resolve();
    });
    listen();
  });
}

function reason(where: string, error: NodeJS.ErrnoException): string {
  if (error.code === 'EADDRINUSE') return `${where} is in use by another process`;
  if (error.code === 'EACCES') return `${where} may not be opened by this user`;
  return `the router cannot listen on ${where}: ${error.message}`;
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const answer = (answered: boolean) => (): void => {
      probe.destroy();
      resolve(answered);
    };
    probe.once('connect', answer(true));
    probe.once('error', answer(false));
  });
}
