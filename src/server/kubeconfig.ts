import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Files } from '../lib/files.ts';
import type { Identity, TokenStore } from './tokens.ts';

/**
 * What programs of this machine need to reach the manager: `client.json` for the CLI, a kubeconfig for
 * kubectl, and a token in each. They are written anew at each start, since the port or the authority may have
 * changed, with mode 0600: whoever reads them is an administrator.
 */
export interface ClientConfig {
  /** `https://127.0.0.1:8443` */
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  /** The manager's Unix socket, for programs of its own user; the CLI asks there first. */
  readonly socket?: string;
  readonly token: string;
  readonly namespace: string;
  readonly environment: string;
}

type Port = Pick<Files, 'read' | 'writeAtomic' | 'remove'>;

export async function writeClientFiles(files: Port, directory: string, config: ClientConfig): Promise<void> {
  await files.writeAtomic(join(directory, 'client.json'), `${JSON.stringify(config, null, 2)}\n`, {
    mode: 0o600,
  });
  await files.writeAtomic(join(directory, 'keys', 'kubeconfig'), kubeconfig(config), { mode: 0o600 });
}

/** One cluster, one user, one context, all named slipway. */
export function kubeconfig({ server, ca, token, namespace }: ClientConfig): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'slipway',
        cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
      },
    ],
    users: [{ name: 'slipway', user: { token } }],
    contexts: [{ name: 'slipway', context: { cluster: 'slipway', user: 'slipway', namespace } }],
    'current-context': 'slipway',
    preferences: {},
  });
}

/**
 * The text of a token that this machine keeps in a file of its own (the agent's, the administrator's): read
 * where it is still valid for these roles, else made anew under the same name, which ends the old one.
 */
export async function ensureToken(options: {
  readonly files: Port;
  readonly tokens: TokenStore;
  /** Holds the text alone, 0600. */
  readonly file: string;
  readonly identity: Identity;
}): Promise<string> {
  const { files, tokens, file, identity } = options;
  const kept = (await files.read(file))?.toString().trim() ?? '';
  const known = kept === '' ? undefined : tokens.verify(kept);
  const same =
    known?.name === identity.name &&
    known.cluster === identity.cluster &&
    [...known.roles].sort().join() === [...identity.roles].sort().join();
  if (same) return kept;
  await tokens.revoke(identity.name);
  const { token } = await tokens.create(identity);
  await files.writeAtomic(file, `${token}\n`, { mode: 0o600 });
  return token;
}
