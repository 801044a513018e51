import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, type Row, rounded, skipped } from '../row.ts';
import { Child } from './child.ts';
import { cpuMicros, residentMb } from './process-cost.ts';
import { type FrontProxy, startGo, startNginx, startPipe, startSlipway } from './proxies.ts';

const CONNECTIONS = 64;
const WARM_UP_SECONDS = 4;

interface Sample {
  readonly requests: number;
  readonly errors: number;
  readonly p50Us: number;
  readonly cpuUs: number;
}

interface Load {
  readonly path: string;
  readonly connections: number;
}

const SMALL: Load = { path: '/s', connections: CONNECTIONS };
const LARGE: Load = { path: '/64k', connections: CONNECTIONS };
const SINGLE: Load = { path: '/s', connections: 1 };

/**
 * P1 and P2: CPU per request of each proxy, every proxy in every round right after the other, so that
 * what else the machine does falls on all of them. The ratio is the median of the rounds' own ratios:
 * on a busy machine the best round of each would compare one's luck with the other's.
 */
export async function costRows(
  directory: string,
  options: { rounds: number; seconds: number },
): Promise<Row[]> {
  if (process.platform !== 'linux') {
    return ['P1', 'P2'].map((row) => skipped(row, 'x nginx', '', 'CPU per process is read from /proc'));
  }
  const origin = new Child(process.execPath, [fileURLToPath(new URL('origin.ts', import.meta.url))]);
  const proxies: FrontProxy[] = [];
  try {
    const originPort = Number(await origin.line());
    for (const sub of ['slipway', 'nginx', 'go']) await mkdir(join(directory, sub));
    proxies.push(await startSlipway(join(directory, 'slipway'), originPort));
    const nginx = await startNginx(join(directory, 'nginx'), originPort);
    const go = await startGo(join(directory, 'go'), originPort);
    if (nginx !== null) proxies.push(nginx);
    if (go !== null) proxies.push(go);
    proxies.push(await startPipe(originPort));
    const samples = await measure(proxies, options);
    return summarise(samples, residentMb(proxies[0]?.pid ?? 0));
  } finally {
    for (const proxy of proxies) await proxy.stop();
    await origin.end();
  }
}

type Samples = ReadonlyMap<Load, ReadonlyMap<string, readonly Sample[]>>;

async function measure(
  proxies: readonly FrontProxy[],
  options: { rounds: number; seconds: number },
): Promise<Samples> {
  const samples = new Map([SMALL, LARGE, SINGLE].map((load) => [load, new Map<string, Sample[]>()]));
  // Round 0 warms up: caches, the just-in-time compiler (some 50,000 requests), the kernel's socket buffers.
  const warmUp = Math.max(WARM_UP_SECONDS, options.seconds);
  for (let round = 0; round <= options.rounds; round++) {
    for (const [load, byName] of samples) {
      for (const proxy of proxies) {
        const sample = await once(proxy, load, round === 0 ? warmUp : options.seconds);
        if (round > 0) byName.set(proxy.name, [...(byName.get(proxy.name) ?? []), sample]);
      }
    }
  }
  return samples;
}

async function once(proxy: FrontProxy, load: Load, seconds: number): Promise<Sample> {
  const client = fileURLToPath(new URL('load-client.ts', import.meta.url));
  const args = [client, proxy.port, load.path, load.connections, seconds].map(String);
  const before = cpuMicros(proxy.pid);
  const child = new Child(process.execPath, args);
  const result = JSON.parse(await child.line()) as { requests: number; errors: number; p50Us: number };
  await child.end();
  return { ...result, cpuUs: (cpuMicros(proxy.pid) - before) / result.requests };
}

function summarise(samples: Samples, rssMb: number): Row[] {
  const of = (load: Load, name: string): readonly Sample[] => samples.get(load)?.get(name) ?? [];
  const figure = (load: Load, name: string, pick: (s: Sample) => number): string | null => {
    const list = of(load, name).map(pick);
    return list.length === 0
      ? null
      : `${name} ${rounded(median(list), 1)} µs (best ${rounded(Math.min(...list), 1)})`;
  };
  const row = (name: string, load: Load, peer: string, goal: number, pick: (s: Sample) => number): Row => {
    const theirs = of(load, peer);
    if (theirs.length === 0) return skipped(name, `x ${peer}`, `<= ${goal}`, `${peer} is not installed here`);
    const ours = of(load, 'slipway');
    const ratios = ours.map((s, i) => pick(s) / pick(theirs[i] as Sample));
    const value = rounded(median(ratios));
    const errors = ours.reduce((n, s) => n + s.errors, 0);
    const requests = ours.reduce((n, s) => n + s.requests, 0);
    const peers = ['slipway', 'nginx', 'go']
      .map((p) => figure(load, p, pick))
      .filter((text) => text !== null);
    return {
      row: name,
      value,
      unit: `x ${peer}`,
      goal: `<= ${goal}`,
      peer: peers.join(', '),
      floor: figure(load, 'pipe', pick),
      ok: value <= goal && errors === 0,
      note: `median of ${ratios.length} rounds (${ratios.map((r) => rounded(r)).join(', ')}); ${load.connections} kept connections, ${requests} requests, ${errors} errors`,
    };
  };
  const cpu = (s: Sample): number => s.cpuUs;
  const p50 = (s: Sample): number => s.p50Us;
  return [
    row('P1 CPU per small request', SMALL, 'nginx', 1.5, cpu),
    row("P1 CPU per small request to Go's ReverseProxy", SMALL, 'go', 1, cpu),
    row('P2 CPU per request of 64 KiB', LARGE, 'nginx', 1.25, cpu),
    row('P2 p50 at one connection', SINGLE, 'nginx', 1.3, p50),
    {
      row: 'P2 resident memory after the load',
      value: rounded(rssMb, 1),
      unit: 'MB',
      goal: '<= 100',
      peer: null,
      floor: null,
      ok: rssMb <= 100,
      note: 'started with the compile cache, as the supervisor does',
    },
  ];
}
