import { parseArgs } from 'node:util';
import { messageOf, type Result } from '../lib/errors.ts';
import type { ListenTarget } from './listen.ts';

export interface RouterArguments {
  readonly listen: readonly ListenTarget[];
  readonly controlPath: string;
  readonly tableFile: string;
  readonly trustForwarded: boolean;
  /** How long a stop waits for what is inside, in milliseconds. */
  readonly stopCapMs: number;
}

const USAGE = 'usage: --control PATH --table FILE (--listen HOST:PORT … | --listen-fd N[,N])';

/** The router's command line. An error says which part of it is wrong. */
export function readArguments(args: readonly string[]): Result<RouterArguments> {
  let values: Readonly<Record<string, string | boolean | string[] | undefined>>;
  try {
    values = parseArgs({
      args: [...args],
      strict: true,
      options: {
        control: { type: 'string' },
        table: { type: 'string' },
        listen: { type: 'string', multiple: true },
        'listen-fd': { type: 'string' },
        'trust-forwarded': { type: 'boolean' },
        'stop-cap-ms': { type: 'string', default: '30000' },
      },
    }).values;
  } catch (error) {
    return { ok: false, error: `${messageOf(error)}; ${USAGE}` };
  }
  const { control, table } = values;
  if (typeof control !== 'string' || typeof table !== 'string') return { ok: false, error: USAGE };
  const stopCapMs = Number(values['stop-cap-ms']);
  if (!(stopCapMs >= 0)) return { ok: false, error: '--stop-cap-ms is a number of milliseconds' };

  const listen: ListenTarget[] = [];
  for (const fd of typeof values['listen-fd'] === 'string' ? values['listen-fd'].split(',') : []) {
    if (!/^[0-9]{1,4}$/.test(fd)) return { ok: false, error: `--listen-fd: "${fd}" is no descriptor` };
    listen.push({ fd: Number(fd) });
  }
  for (const address of Array.isArray(values.listen) ? values.listen : []) {
    const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:]+)):([0-9]{1,5})$/.exec(address) ?? [];
    const host = bracketed ?? plain;
    if (host === undefined || Number(port) > 65_535) {
      return { ok: false, error: `--listen: "${address}" is not HOST:PORT` };
    }
    listen.push({ host, port: Number(port) });
  }
  if (listen.length === 0) return { ok: false, error: `nowhere to listen; ${USAGE}` };
  const trustForwarded = values['trust-forwarded'] === true;
  return {
    ok: true,
    value: {
      listen,
      controlPath: control,
      tableFile: table,
      trustForwarded,
      stopCapMs,
    },
  };
}
