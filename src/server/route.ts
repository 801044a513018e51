import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Action } from './authorize.ts';
import type { Identity } from './tokens.ts';

/**
 * One endpoint. It declares which verb on which resource it is; server.ts asks authorize.ts before anything
 * of it runs, so that no handler can forget to. The list of routes is also what the OpenAPI document and the
 * test of every endpoint with every role are made from.
 */
export interface Route {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `:name` stands for one segment. */
  readonly url: string;
  readonly verb: string;
  readonly resource: string;
  /** The kind that it is about, for documentation and audit. */
  readonly kind?: string;
  /** With `?watch=1` the verb is `watch` and the answer a stream. */
  readonly watchable?: true;
  /** Needs no token and says nothing: liveness alone. */
  readonly anonymous?: true;
  /** What its body is. Absent: none is read. */
  readonly body?: 'json' | 'mergePatch' | 'optionalJson' | 'bytes';
  /** Not bounded by the request timeout. */
  readonly stream?: true;
  readonly summary: string;
  readonly handle: (call: Call) => Promise<Answer>;
}

/** One request that was let in. */
export interface Call {
  readonly identity: Identity;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** The namespace and name of the path, where it has them. */
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** Parsed JSON; undefined where there is none. */
  readonly body: unknown;
  readonly raw: IncomingMessage;
  /** Ends when the client goes, the server stops or the token is revoked. */
  readonly signal: AbortSignal;
  /** What the audit line says where the path does not: the name of what was made, why. */
  readonly note: { namespace?: string; name?: string; why?: string; verb?: string };
  /** Throws `forbidden`. For what only the body tells. */
  demand(action: Action): void;
  /** Takes the response over for a stream; headers of every answer are set already. */
  takeOver(status: number, headers: Readonly<Record<string, string>>): ServerResponse;
}

export type Answer =
  | { readonly status?: number; readonly json: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly status?: number; readonly text: string; readonly type: string }
  | { readonly bytes: Readable; readonly type: string; readonly size?: number; readonly fileName?: string }
  | { readonly status: number; readonly empty: true; readonly headers?: Readonly<Record<string, string>> }
  /** The handler took the response over and has ended it. */
  | 'sent';
