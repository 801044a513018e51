import type { Command } from '../api/release.ts';
import { isSlipwayError, SlipwayError } from '../lib/errors.ts';
import type { Connection, Context } from './context.ts';
import { cleanLine } from './terminal/clean.ts';

export interface VerbRequest {
  readonly kind: 'Release' | 'Application';
  readonly name: string;
  readonly verb: string;
  readonly environment?: string;
  readonly why?: string | undefined;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/**
 * Gives one command and waits for its verdict. Throws `refused` with the reason where the state does not allow
 * it, and `timeout` where no controller has decided yet: the command itself stands, and is carried out then.
 */
export async function giveCommand({ api, namespace }: Connection, request: VerbRequest): Promise<Command> {
  const { kind, name, verb, environment, why, parameters } = request;
  const { state, command } = await api
    .command({ kind, name, namespace }, verb, {
      ...(environment === undefined ? {} : { environment }),
      ...(why === undefined ? {} : { why }),
      ...(parameters === undefined ? {} : { parameters }),
    })
    .catch((error: unknown) => {
      throw isSlipwayError(error, 'refused') ? ofWhat(name, error) : error;
    });
  if (state !== 'done') {
    throw new SlipwayError('timeout', `${verb} was accepted, but the manager has not decided on it yet.`, {
      next: `slipway get command ${command.metadata.name}`,
    });
  }
  return command;
}

/** The manager's reason says `it`; here stands who that is, and where to look. */
function ofWhat(name: string, error: SlipwayError): SlipwayError {
  const { message, details, next } = error;
  return new SlipwayError('refused', message.includes(name) ? message : `${name}: ${message}`, {
    details,
    next: next ?? `slipway why ${name}`,
    cause: error,
  });
}

/** `✓ shop-local-r2: promoted stage 2`. */
export function verdictLine(context: Context, name: string, command: Command): string {
  return `${context.paint.good('✓')} ${name}: ${cleanLine(command.status?.message || command.spec.verb)}`;
}
