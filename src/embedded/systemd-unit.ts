import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SlipwayError } from '../lib/errors.ts';
import { cannotWrite } from './data-directory.ts';
import { type Address, authority } from './settings.ts';

export interface UnitOptions {
  /** Node that runs Slipway, and the script that it runs (`bin/slipway`). Absolute. */
  readonly node: string;
  readonly script: string;
  readonly data: string;
  readonly entry?: readonly Address[] | undefined;
  readonly api?: Address | undefined;
  readonly appUser?: string | undefined;
  /** PATH of the applications. */
  readonly path: string;
  /** For the whole machine (root), or for one user's own manager. */
  readonly scope: 'system' | 'user';
}

/**
 * The unit. What is not obvious in it:
 * - `KillMode=process`: applications, router, manager and agent live on when the supervisor is restarted.
 * - `Restart=on-failure`: after kill -9 systemd starts `up --foreground` again, which follows the supervisor
 *   that the router has started meanwhile (SLIPWAY_SERVICE). After `slipway down` it stays down.
 * - `AmbientCapabilities`: ports 80 and 443 without being root, where `User=` is set by an override.
 */
export function unitText(options: UnitOptions): string {
  const words = [options.node, options.script, 'up', '--foreground', '--data', options.data];
  for (const address of options.entry ?? []) words.push('--http', authority(address));
  if (options.api !== undefined) words.push('--api', authority(options.api));
  if (options.appUser !== undefined) words.push('--app-user', options.appUser);
  const down = [options.node, options.script, 'down', '--yes', '--data', options.data];
  const system = options.scope === 'system';
  return [
    '[Unit]',
    'Description=Slipway: releases without failed requests',
    ...(system ? ['After=network-online.target', 'Wants=network-online.target'] : []),
    '',
    '[Service]',
    'Type=simple',
    'Environment=SLIPWAY_SERVICE=1',
    `Environment=${quoted(`PATH=${options.path}`)}`,
    `ExecStart=${words.map(quoted).join(' ')}`,
    `ExecStop=${down.map(quoted).join(' ')}`,
    'KillMode=process',
    'Restart=on-failure',
    'RestartSec=1',
    'TimeoutStopSec=180',
    'LimitNOFILE=1048576',
    ...(system ? ['AmbientCapabilities=CAP_NET_BIND_SERVICE'] : []),
    '',
    '[Install]',
    `WantedBy=${system ? 'multi-user.target' : 'default.target'}`,
    '',
  ].join('\n');
}

/** systemd's own quoting: `%` begins a specifier, `$` a variable. */
function quoted(word: string): string {
  if (/[\n\r\0]/.test(word))
    throw new SlipwayError('invalid', `${JSON.stringify(word)} cannot stand in a systemd unit`);
  const escaped = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[A-Za-z0-9_@%+=:,./$-]+$/.test(escaped)
    ? escaped
    : `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Writes the unit and says which commands start it. Nothing is started here. */
export function installUnit(options: UnitOptions & { readonly home: string; readonly directory?: string }): {
  readonly file: string;
  readonly commands: readonly string[];
} {
  if (process.platform !== 'linux') {
    throw new SlipwayError('refused', 'Only Linux has systemd.', {
      next: 'slipway up --foreground under the service manager of this machine',
    });
  }
  const system = options.scope === 'system';
  const directory =
    options.directory ?? (system ? '/etc/systemd/system' : join(options.home, '.config/systemd/user'));
  const file = join(directory, 'slipway.service');
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, unitText(options), { mode: 0o644 });
  } catch (error) {
    throw cannotWrite(file, error);
  }
  const control = system ? 'systemctl' : 'systemctl --user';
  return {
    file,
    commands: [
      `${control} daemon-reload`,
      `${control} enable --now slipway`,
      // Without it a user's units end with their last login.
      ...(system ? [] : ['loginctl enable-linger']),
    ],
  };
}
