import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installUnit, type UnitOptions, unitText } from './systemd-unit.ts';

const options: UnitOptions = {
  node: '/opt/node/bin/node',
  script: '/opt/slipway/bin/slipway',
  data: '/var/lib/slipway',
  path: '/usr/bin:/bin',
  scope: 'system',
};

describe('unitText', () => {
  it('lets everything but the supervisor live, and binds low ports', () => {
    const lines = unitText({ ...options, entry: [{ host: '0.0.0.0', port: 80 }] }).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'ExecStart=/opt/node/bin/node /opt/slipway/bin/slipway up --foreground --data /var/lib/slipway --http 0.0.0.0:80',
        'ExecStop=/opt/node/bin/node /opt/slipway/bin/slipway down --yes --data /var/lib/slipway',
        'KillMode=process',
        'Restart=on-failure',
        'Environment=SLIPWAY_SERVICE=1',
        'AmbientCapabilities=CAP_NET_BIND_SERVICE',
        'WantedBy=multi-user.target',
      ]),
    );
  });

  const words: ReadonlyArray<[name: string, data: string, written: string]> = [
    ['a space', '/my data', '"/my data"'],
    ['a specifier', '/100%', '/100%%'],
    ['a variable', '/$HOME', '/$$HOME'],
    ['a quote', '/a"b', '"/a\\"b"'],
  ];
  it.each(words)('quotes %s', (_name, data, written) => {
    expect(unitText({ ...options, data })).toContain(`--data ${written}\n`);
  });

  it('refuses what would begin a line of its own', () => {
    expect(() => unitText({ ...options, data: '/a\nExecStartPre=/bin/evil' })).toThrow('cannot stand');
  });
});

describe.runIf(process.platform === 'linux')('installUnit', () => {
  it('writes a user unit and says what to run', () => {
    const directory = mkdtempSync(join(tmpdir(), 'slipway-unit-'));
    try {
      const { file, commands } = installUnit({ ...options, scope: 'user', home: '/nowhere', directory });
      expect(readFileSync(file, 'utf8')).toContain('WantedBy=default.target');
      expect(commands).toEqual([
        'systemctl --user daemon-reload',
        'systemctl --user enable --now slipway',
        'loginctl enable-linger',
      ]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
