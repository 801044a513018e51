import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Call, Route } from './route.ts';
import { isTrue } from './selectors.ts';
import type { Identity } from './tokens.ts';

/** What is known of one request from its head to its end. */
export interface RequestState {
  /** ms, monotonic. */
  readonly startedAt: number;
  /** Undefined where the address leads nowhere. */
  readonly route: Route | undefined;
  readonly query: Readonly<Record<string, string>>;
  /** Aborted when the caller goes, the server stops or the token is revoked. */
  readonly ending: AbortController;
  readonly note: Call['note'];
  /** Undefined until the caller is known. */
  identity: Identity | undefined;
}

export const verbOf = ({ route, query }: RequestState): string =>
  route?.watchable === true && isTrue(query.watch) ? 'watch' : (route?.verb ?? 'none');

export const pathOf = (raw: IncomingMessage): string => (raw.url ?? '').split('?')[0] ?? '';
export const paramsOf = (request: FastifyRequest) =>
  (request.params ?? {}) as Readonly<Record<string, string>>;

/** The first value of each name. */
export function queryOf(raw: IncomingMessage): Readonly<Record<string, string>> {
  const query: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URLSearchParams((raw.url ?? '').split('?')[1] ?? '')) query[name] ??= value;
  return query;
}
