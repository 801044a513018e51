/** Free ports on loopback for programs that must be told their port. Prefer port 0 where one can ask back. */
import { createServer } from 'node:net';

/**
 * Ports that were free a moment ago, all different. They are held together until the last is known, so
 * that one call never returns the same port twice. Another process may still take one before its user
 * does: whoever uses it must treat EADDRINUSE as its own failure.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve, reject) => {
            server.once('error', reject);
            server.listen(0, '127.0.0.1', () => {
              const address = server.address();
              if (address === null || typeof address === 'string') reject(new Error('no TCP port was given'));
              else resolve(address.port);
            });
          }),
      ),
    );
  } finally {
    await Promise.all(
      servers
        .filter((server) => server.listening)
        .map((server) => new Promise((closed) => server.close(closed))),
    );
  }
}

/** One free port on loopback. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no port was given');
  return port;
}
