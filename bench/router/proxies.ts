import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ControlSocketClient } from '../../src/router/control-socket-client.ts';
import { ROUTER_NODE_ARGUMENTS } from '../../src/router/node-arguments.ts';
import type { Backend, RouteTable } from '../../src/router/table.ts';
import { eventually } from '../../test/support/eventually.ts';
import { freePort } from '../../test/support/ports.ts';
import { Child } from './child.ts';
import { children } from './process-cost.ts';

/** A proxy in front of the origin. */
export interface FrontProxy {
  readonly name: string;
  readonly port: number;
  /** The process whose CPU time is its cost. */
  readonly pid: number;
  stop(): Promise<void>;
}

export interface SlipwayFront extends FrontProxy {
  readonly control: ControlSocketClient;
}

export interface NginxFront extends FrontProxy {
  /** Points it at another origin and reloads it, as is done with it in production. */
  reload(originPort: number): Promise<void>;
}

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

export const SERVICE = 'bench/shop/production';

export function tableFor(generation: number, backends: readonly Backend[], version: string): RouteTable {
  const timeouts = { connectMs: 1_000, responseHeadMs: 60_000, idleMs: 60_000 };
  const versions = [{ version, weight: 100 }];
  const route = {
    id: 'shop',
    service: SERVICE,
    host: null,
    path: '/',
    versions,
    rules: [],
    sticky: null,
    timeouts,
  };
  return { generation, routes: [route], backends };
}

export function backendAt(id: string, port: number, state: Backend['state'] = 'serving'): Backend {
  return { id, version: id.slice(0, id.lastIndexOf('-')), service: SERVICE, host: '127.0.0.1', port, state };
}

/** Our own, as the supervisor starts it: with the compile cache, which spares it the type stripper. */
export async function startSlipway(directory: string, originPort: number | null): Promise<SlipwayFront> {
  const controlPath = join(directory, 'control.sock');
  const args = [
    ...ROUTER_NODE_ARGUMENTS,
    path('../../src/router/main.ts'),
    '--control',
    controlPath,
    '--table',
    join(directory, 'table.json'),
  ];
  const env = { ...process.env, NODE_COMPILE_CACHE: join(directory, 'compile-cache') };
  const start = (): Child => new Child(process.execPath, [...args, '--listen', '127.0.0.1:0'], { env });
  // The first start fills the cache.
  const first = start();
  await first.line();
  await first.end();
  const child = start();
  const { addresses } = JSON.parse(await child.line()) as { addresses: { port: number }[] };
  const control = new ControlSocketClient(controlPath);
  if (originPort !== null) {
    await control.putTable(tableFor(1, [backendAt('shop-r1-a', originPort)], 'shop-r1'));
  }
  return { name: 'slipway', port: addresses[0]?.port ?? 0, pid: child.pid, control, stop: () => child.end() };
}

export function nginxPath(): string | null {
  const places = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx', '/opt/homebrew/bin/nginx'];
  return places.find((place) => existsSync(place)) ?? null;
}

export async function startNginx(directory: string, originPort: number): Promise<NginxFront | null> {
  const nginx = nginxPath();
  if (nginx === null) return null;
  const port = await freePort();
  const file = join(directory, 'nginx.conf');
  await mkdir(join(directory, 'temp'), { recursive: true });
  await writeFile(file, nginxConfiguration(directory, port, originPort));
  const child = new Child(nginx, ['-c', file, '-p', directory, '-g', 'daemon off;']);
  await answering(port, child);
  const workers = (): number[] => children(child.pid);
  return {
    name: 'nginx',
    port,
    pid: workers()[0] ?? child.pid,
    stop: () => child.end(),
    reload: async (nextPort) => {
      await writeFile(file, nginxConfiguration(directory, port, nextPort));
      const before = new Set(workers());
      child.process.kill('SIGHUP');
      await eventually('a new nginx worker', () => workers().some((pid) => !before.has(pid)));
    },
  };
}

function nginxConfiguration(directory: string, port: number, originPort: number): string {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(directory, 'temp', kind)};`)
    .join(' ');
  return `worker_processes 1; pid ${join(directory, 'nginx.pid')}; error_log ${join(directory, 'error.log')} error;
events { worker_connections 2048; }
http {
  access_log off; ${temp} keepalive_requests 1000000000;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream origin { server 127.0.0.1:${originPort}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://origin; proxy_http_version 1.1; client_max_body_size 0;
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto http; proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      add_header slipway-revision shop-r1 always; proxy_request_buffering off;
    }
  }
}
`;
}

/** Go's ReverseProxy, built from `peer/main.go`; null where there is no Go. */
export async function startGo(directory: string, originPort: number): Promise<FrontProxy | null> {
  const binary = join(directory, 'go-peer');
  try {
    const env = { ...process.env, GO111MODULE: 'off', GOFLAGS: '' };
    await promisify(execFile)('go', ['build', '-o', binary, path('peer/main.go')], { env });
  } catch {
    return null;
  }
  const port = await freePort();
  const child = new Child(binary, [`127.0.0.1:${port}`, `http://127.0.0.1:${originPort}`]);
  await answering(port, child);
  return { name: 'go', port, pid: child.pid, stop: () => child.end() };
}

export async function startPipe(originPort: number): Promise<FrontProxy> {
  const port = await freePort();
  const child = new Child(process.execPath, [path('peer/pipe.ts'), String(port), String(originPort)]);
  await answering(port, child);
  return { name: 'pipe', port, pid: child.pid, stop: () => child.end() };
}

function answering(port: number, child: Child): Promise<unknown> {
  return eventually(`port ${port} to accept`, () => {
    if (!child.isRunning) throw new Error('the process has ended');
    return new Promise<boolean>((resolve) => {
      const probe = connect(port, '127.0.0.1');
      probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
      probe.once('connect', () => probe.destroy());
    });
  });
}
