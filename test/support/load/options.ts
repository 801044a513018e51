/** What the load is told on its command line, and how it shares its clients among the kinds of traffic. */
import { parseArgs } from 'node:util';
import { REVISION_HEADER } from '../../../src/router/table.ts';
import type { Target } from './exchange.ts';
import { KINDS, type Kind } from './report.ts';

export interface LoadSettings {
  readonly target: Target;
  readonly kinds: readonly Kind[];
  readonly clients: number;
  /** Requests a second of the paced clients together. */
  readonly rate: number;
  readonly path: string | undefined;
  readonly holdBack: boolean;
  readonly timeoutMs: number;
  readonly maxDurationMs: number;
  readonly seed: number;
  readonly control: 'stdio' | 'none';
}

export const USAGE = `node test/support/load/main.ts --target http://127.0.0.1:PORT [options]
  --host NAME          Host header (the target's own)
  --clients N          users at a time (64)
  --rate N             requests a second in all, streams and slow requests not counted (400)
  --kinds a,b          of ${KINDS.join(', ')} (all)
  --path /P            keepAlive and close ask for this path of any web server instead of the shop's
  --no-hold-back       no request is held back to be in flight at every flip
  --timeout MS         a request may take, and a stream be silent, this long (30000)
  --max-duration MS    ends by itself after this (600000)
  --seed N             repeats the choices of another run (random)
  --version-header H   names the version that answered (${REVISION_HEADER})
  --control stdio      JSON lines: mark, inFlightAt, snapshot, stop; ends with its parent`;

export class UsageError extends Error {
  readonly code = 'USAGE';
}

/** Throws UsageError (or parseArgs' TypeError) that says which option is wrong. */
export function parseSettings(args: readonly string[]): LoadSettings {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    allowNegative: true,
    options: {
      target: { type: 'string' },
      host: { type: 'string' },
      clients: { type: 'string', default: '64' },
      rate: { type: 'string', default: '400' },
      kinds: { type: 'string', default: KINDS.join(',') },
      path: { type: 'string' },
      'hold-back': { type: 'boolean', default: true },
      timeout: { type: 'string', default: '30000' },
      'max-duration': { type: 'string', default: '600000' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
      'version-header': { type: 'string', default: REVISION_HEADER },
      control: { type: 'string', default: 'none' },
    },
  });
  const { path, control } = values;
  if (path !== undefined && !path.startsWith('/')) throw new UsageError(`--path ${path}: starts with "/"`);
  if (control !== 'stdio' && control !== 'none') throw new UsageError(`--control ${control}: stdio or none`);
  const kinds = parseKinds(values.kinds);
  const clients = positive('--clients', values.clients);
  if (clients < kinds.length) throw new UsageError(`--clients ${clients}: at least one for each of ${kinds}`);
  return {
    target: parseTarget(values.target, values.host, values['version-header']),
    kinds,
    clients,
    rate: positive('--rate', values.rate),
    path,
    holdBack: values['hold-back'] && path === undefined,
    timeoutMs: positive('--timeout', values.timeout),
    maxDurationMs: positive('--max-duration', values['max-duration']),
    seed: positive('--seed', values.seed),
    control,
  };
}

const SHARES: Readonly<Record<Kind, number>> = {
  keepAlive: 40,
  close: 15,
  upload: 15,
  slow: 10,
  sse: 10,
  websocket: 10,
};

/** How many clients each kind gets: by share, at least one, and all are given out. */
export function shareClients(clients: number, kinds: readonly Kind[]): ReadonlyMap<Kind, number> {
  const total = kinds.reduce((sum, kind) => sum + SHARES[kind], 0);
  const shares = new Map(
    kinds.map((kind) => [kind, Math.max(1, Math.round((clients * SHARES[kind]) / total))]),
  );
  const given = () => [...shares.values()].reduce((sum, n) => sum + n, 0);
  while (given() !== clients) {
    const [largest] = [...shares].sort((a, b) => b[1] - a[1]);
    if (largest === undefined) break;
    shares.set(largest[0], largest[1] + Math.sign(clients - given()));
  }
  return shares;
}

function parseTarget(url: string | undefined, host: string | undefined, versionHeader: string): Target {
  if (url === undefined) throw new UsageError('--target is missing');
  if (!URL.canParse(url)) throw new UsageError(`--target ${url}: not a URL`);
  const { protocol, hostname, port, host: ownHost } = new URL(url);
  if (protocol !== 'http:') throw new UsageError(`--target ${url}: only http`);
  return {
    host: hostname,
    port: port === '' ? 80 : Number(port),
    hostHeader: host ?? ownHost,
    versionHeader: versionHeader.toLowerCase(),
  };
}

function parseKinds(list: string): Kind[] {
  const names = list.split(',').map((name) => name.trim());
  return names.map((name) => {
    const kind = KINDS.find((known) => known === name);
    if (kind === undefined) throw new UsageError(`--kinds ${name}: one of ${KINDS.join(', ')}`);
    return kind;
  });
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number < 0 || text.trim() === '') {
    throw new UsageError(`${option} ${text}: a number, 0 or more`);
  }
  return number;
}
