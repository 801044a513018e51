import type { IncomingMessage } from 'node:http';
import { SlipwayError } from '../lib/errors.ts';
import { type Action, authorize } from './authorize.ts';
import type { Identity, TokenStore } from './tokens.ts';

/** The caller by the bearer token of the request. Throws `unauthorized`, in the same words for every cause. */
export function authenticate(request: IncomingMessage, tokens: TokenStore): Identity {
  const [, token] = /^Bearer ([A-Za-z0-9_-]{1,200})$/i.exec(request.headers.authorization ?? '') ?? [];
  const identity = token === undefined ? undefined : tokens.verify(token);
  if (identity !== undefined) return identity;
  throw new SlipwayError('unauthorized', 'a valid token is needed', {
    next: 'slipway up (it writes one for this machine), or ask an admin for: slipway token create',
  });
}

/** Throws `forbidden` unless the table allows it. */
export function demand(identity: Identity, action: Action): void {
  const verdict = authorize(identity, action);
  if (!verdict.ok) throw new SlipwayError('forbidden', verdict.error);
}
