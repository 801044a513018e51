import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { slipwayVersion } from '../embedded/version.ts';
import { SlipwayError } from '../lib/errors.ts';
import { createApiClient } from '../server/api-client.ts';
import type { Connection, GlobalOptions } from './context.ts';
import type { Io } from './io.ts';

/** `client.json`, which `slipway up` writes for the person who started it (mode 0600). */
interface ClientFile {
  readonly server?: string;
  /** PEM. */
  readonly ca?: string;
  /** The manager's Unix socket. */
  readonly socket?: string;
  readonly token?: string;
  readonly namespace?: string;
  readonly environment?: string;
}

/**
 * Where the manager is and who calls: options, then SLIPWAY_… variables, then client.json of the data
 * directory. With another server than that file's, its token is not sent: a credential goes to its origin
 * alone.
 */
export function connect(options: GlobalOptions, directory: string, io: Io): Promise<Connection> {
  const { environment } = io;
  const file = readClientFile(join(directory, 'client.json'));
  const server = options.server ?? (environment.SLIPWAY_SERVER || file?.server);
  if (server === undefined) {
    throw new SlipwayError('unavailable', `Slipway is not up here (no client.json in ${directory}).`, {
      next: 'slipway up, or name a manager with --server and --token.',
    });
  }
  const own = file !== undefined && file.server === server;
  const token = options.token ?? (environment.SLIPWAY_TOKEN || (own ? file.token : undefined));
  if (token === undefined) {
    throw new SlipwayError('unauthorized', `There is no token for ${server}.`, {
      next: 'Set SLIPWAY_TOKEN; "slipway token create" makes one.',
    });
  }
  const caFile = options.ca ?? (environment.SLIPWAY_CA || undefined);
  const ca = caFile === undefined ? (own ? file.ca : undefined) : readFileSync(caFile, 'utf8');
  const namespace = options.namespace ?? (environment.SLIPWAY_NAMESPACE || file?.namespace) ?? 'default';
  const api = createApiClient({
    server,
    token,
    namespace,
    version: slipwayVersion(),
    ...(ca === undefined ? {} : { ca }),
    // Who names an authority wants to see it proven.
    ...(own && caFile === undefined ? { socket: file.socket } : {}),
  });
  const home = options.env ?? (environment.SLIPWAY_ENVIRONMENT || file?.environment) ?? 'local';
  return Promise.resolve({ api, server, namespace, environment: home });
}

function readClientFile(path: string): ClientFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as ClientFile;
  } catch (cause) {
    throw new SlipwayError('invalid', `${path} is no JSON.`, {
      next: 'Remove it and run "slipway up" again.',
      cause,
    });
  }
}
