import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstBlocked, UNPRIVILEGED } from '../src/embedded/app-user.ts';
import { type DataDirectory, dataDirectory } from '../src/embedded/data-directory.ts';
import { ask, supervisorStatus } from '../src/embedded/supervisor-client.ts';
import { type UpResult, up } from '../src/embedded/up.ts';
import { slipwayVersion } from '../src/embedded/version.ts';
import { systemClock } from '../src/lib/clock.ts';
import { type ApiClient, createApiClient } from '../src/server/api-client.ts';

/** A Slipway of its own in a temporary directory, on free ports: two demos at once do not meet. */
export interface DemoSlipway {
  readonly data: DataDirectory;
  readonly up: UpResult;
  readonly api: ApiClient;
  /** Where applications' traffic enters. */
  readonly entry: string;
}

export interface DemoPlace {
  readonly data: DataDirectory;
  /** The one with the data directory in it; nothing is written elsewhere. */
  readonly directory: string;
}

export function makePlace(): DemoPlace {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'slipway-demo-'));
  // Where Slipway is root, applications run as a user of their own, who has to get through.
  chmodSync(directory, 0o711);
  return { directory, data: dataDirectory(join(directory, 'data')) };
}

export async function startSlipway(place: DemoPlace, progress: (line: string) => void): Promise<DemoSlipway> {
  const result = await up({
    data: place.data.root,
    entry: [{ host: '127.0.0.1', port: 0 }],
    api: { host: '127.0.0.1', port: 0 },
    // A temporary directory that only root passes through: the demo then goes without a user for applications.
    appUser: isRoot() && firstBlocked(place.directory, UNPRIVILEGED) !== undefined ? 'self' : undefined,
    version: slipwayVersion(),
    clock: systemClock(),
    progress,
  });
  const client = JSON.parse(readFileSync(place.data.clientFile, 'utf8')) as {
    server: string;
    ca: string;
    token: string;
  };
  const api = createApiClient({ ...client, version: slipwayVersion() });
  return { data: place.data, up: result, api, entry: result.status.urls.entry[0] ?? '' };
}

const isRoot = (): boolean => process.geteuid?.() === 0;

/** Ends everything that runs there; nothing when nothing does. */
export async function stopSlipway(place: DemoPlace): Promise<void> {
  if ((await supervisorStatus(place.data)) === undefined) return;
  for await (const line of ask(place.data, 'stop')) {
    if (line.type === 'error') throw new Error(line.message);
  }
}

export function removePlace(place: DemoPlace): void {
  rmSync(place.directory, { recursive: true, force: true });
}
