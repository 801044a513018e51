import { messageOf } from '../lib/errors.ts';
import { type Log, silentLog } from '../lib/log.ts';

/** The log of one process as lines of the trace; words are made only where somebody reads them. */
export function traceLog(say: (text: () => string) => void): Log {
  const at = (level: string) => (message: string, fields?: object) =>
    say(() => `${level}: ${message}${fields === undefined ? '' : ` ${words(fields)}`}`);
  const log: Log = {
    ...silentLog,
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  };
  return log;
}

const words = (fields: object): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${value instanceof Error ? messageOf(value) : JSON.stringify(value)}`)
    .join(' ');
