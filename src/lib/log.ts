import { pino } from 'pino';
import { redact, redactText } from './redact.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * What happened, for whoever runs Slipway: one JSON object a line with `level` in words, `time` (RFC 3339),
 * `process` and `message`. The message is a constant sentence; what varies goes into fields, which are
 * redacted (lib/redact). A field named `error` may be anything that was thrown.
 */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with these fields on every line. */
  child(fields: LogFields): Log;
}

export interface LogOptions {
  /** Which process writes: manager, agent, router, supervisor. */
  readonly process: string;
  readonly version?: string;
  readonly level?: LogLevel;
  /** Where lines go; absent: standard error. Written synchronously, so that a crash loses nothing. */
  readonly write?: (line: string) => void;
}

export function createLog(options: LogOptions): Log {
  const destination = options.write ? { write: options.write } : pino.destination({ dest: 2, sync: true });
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: { process: options.process, ...(options.version ? { version: options.version } : {}) },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return wrap(logger);
}

/** Writes nothing: tests and commands that do not log. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
};

function wrap(logger: pino.Logger): Log {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: LogFields) => {
    if (!logger.isLevelEnabled(level)) return;
    logger[level]((redact(fields ?? {}) as object) ?? {}, redactText(message));
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(logger.child(redact(fields) as Record<string, unknown>)),
  };
}
