import type { RouteSpec } from '../../api/application.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Network } from '../../lib/network.ts';
import { INSTANCE_HEADER, PREVIEW_HEADER, REVISION_HEADER } from '../../router/table.ts';

export interface ProofSubject {
  readonly instance: string;
  readonly version: string;
  /** Routes that lead to its service; empty before the first traffic. */
  readonly routes: readonly RouteSpec[];
  readonly timeoutMs: number;
  /** Aborted when nobody waits for the proof any more: its requests must not stay inside the instance. */
  readonly signal: AbortSignal;
}
export type ProofVerdict =
  | { readonly ok: true }
  /** `silent`: the whole time went by without a complete answer. */
  | { readonly ok: false; readonly reason: string; readonly silent?: boolean };

/**
 * Proof before (INV-1): whether one instance answers requests, as opposed to its readiness probe. A port, so
 * that a test can put a blind stand-in here and show what this one prevents. Never rejects.
 */
export interface InstanceProof {
  prove(subject: ProofSubject): Promise<ProofVerdict>;
}

/** 64 KiB show that an answer flows; nobody has to send a whole download for a proof. */
const MAX_BYTES = 65_536;

/**
 * Asks the instance `requests` times through the router's data path, over connections of their own: by the
 * host and path of each route, with the preview header that reaches this instance alone. Evidence is a
 * complete answer below 500 that the router marks as coming from this instance of this version.
 */
export function routerProof(options: {
  readonly network: Network;
  readonly entry: { readonly host: string; readonly port: number };
  readonly requests: number;
}): InstanceProof {
  const { network, entry } = options;
  const ask = async (subject: ProofSubject, host: string, path: string): Promise<string | undefined> => {
    const answer = await network.request({
      url: `http://${host}${path}`,
      connectTo: entry,
      headers: { [PREVIEW_HEADER]: subject.instance, 'user-agent': 'slipway-proof' },
      timeoutMs: subject.timeoutMs,
      signal: subject.signal,
      maxBytes: MAX_BYTES,
      fresh: true,
    });
    const { [REVISION_HEADER]: version, [INSTANCE_HEADER]: instance } = answer.headers;
    if (version === undefined) {
      return `GET ${path} was answered ${answer.status} by the router: ${answer.body.toString('utf8').trim().slice(0, 200)}`;
    }
    if (version !== subject.version || instance !== subject.instance) {
      return `GET ${path} was answered by ${instance ?? 'an unnamed instance'} of ${version}`;
    }
    return answer.status < 500 ? undefined : `GET ${path} answered ${answer.status}`;
  };
  return {
    prove: async (subject) => {
      const places = proofPlaces(subject.routes, entry);
      const rounds = Math.max(options.requests, places.length);
      for (let n = 0; n < rounds; n += 1) {
        const { host, path } = places[n % places.length] ?? { host: entry.host, path: '/' };
        try {
          const reason = await ask(subject, host, path);
          if (reason !== undefined) return { ok: false, reason };
        } catch (error) {
          const silent = (error as { code?: unknown }).code === 'ETIMEDOUT';
          return { ok: false, reason: `GET ${path} got no complete answer: ${messageOf(error)}`, silent };
        }
      }
      return { ok: true };
    },
  };
}

/** Host and path of each route; the entry's own address where there is none yet. */
function proofPlaces(
  routes: readonly RouteSpec[],
  entry: { readonly host: string; readonly port: number },
): { host: string; path: string }[] {
  const places = routes.map((route) => ({
    host: route.host ?? `${entry.host}:${entry.port}`,
    path: route.path,
  }));
  return places.length > 0 ? places : [{ host: `${entry.host}:${entry.port}`, path: '/' }];
}
