import type { RouteSpec } from '../../api/application.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Network } from '../../lib/network.ts';
import { REVISION_HEADER } from '../../router/table.ts';
import type { ProofEvidence, TrafficWish } from '../cluster-driver.ts';
import { ruleVersion } from './route-table.ts';

/** Requests under way at the same time; each on a connection of its own. */
const CONCURRENCY = 8;
const REQUEST_TIMEOUT_MS = 5_000;
const BASIS = 'version header';

/**
 * Answers in a row that must show none without weight, so that a version of the smallest weight would have
 * been missed with a probability of at most 10⁻⁶ (design section 5).
 */
export function answersNeeded(weights: readonly number[]): number {
  const smallest = Math.min(...weights.filter((weight) => weight > 0)) / 100;
  return smallest >= 1 ? 20 : Math.max(20, Math.ceil(Math.log(1e-6) / Math.log(1 - smallest)));
}

/**
 * Proof after a flip: asks the entry over fresh connections until every version with weight was seen and the
 * last N answers show no other. Answers are told apart by the version header that the router adds.
 */
export async function proveAfter(options: {
  readonly wish: TrafficWish;
  readonly entry: { readonly host: string; readonly port: number };
  readonly network: Network;
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}): Promise<ProofEvidence> {
  const { wish, clock, signal } = options;
  const place = placeToAsk(wish);
  if (place === null) return controlPlaneOnly(wish);
  const weighted = Object.entries(wish.weights).flatMap(([version, weight]) => (weight > 0 ? [version] : []));
  const needed = answersNeeded(Object.values(wish.weights));
  const startedAt = clock.monotonic();
  const ledger = new Ledger(new Set(weighted), needed);

  const asker = async (): Promise<void> => {
    while (!ledger.isDecided && !signal.aborted && clock.monotonic() - startedAt < options.deadlineMs) {
      const answer = await ask(options, place);
      ledger.add(answer, clock.monotonic() - startedAt);
      // A refused connection comes back at once; there is no use in asking a thousand times a second.
      if (answer.version === null) await clock.sleep(20, signal).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, asker));
  signal.throwIfAborted();
  return ledger.evidence(clock.monotonic() - startedAt);
}

interface Answer {
  readonly version: string | null;
  readonly detail: string;
}

async function ask(
  options: {
    readonly entry: { readonly host: string; readonly port: number };
    readonly network: Network;
  },
  place: { readonly host: string | undefined; readonly path: string },
): Promise<Answer> {
  const { entry, network } = options;
  try {
    const answer = await network.request({
      url: `http://${place.host ?? `${entry.host}:${entry.port}`}${place.path}`,
      connectTo: entry,
      headers: { 'user-agent': 'slipway-proof' },
      timeoutMs: REQUEST_TIMEOUT_MS,
      maxBytes: 65_536,
      fresh: true,
    });
    const version = answer.headers[REVISION_HEADER] ?? null;
    return { version, detail: version === null ? `the router itself answered ${answer.status}` : '' };
  } catch (error) {
    return { version: null, detail: messageOf(error) };
  }
}

/** Counts answers and says when they prove something. */
class Ledger {
  readonly #weighted: ReadonlySet<string>;
  readonly #needed: number;
  readonly #seen: Record<string, number> = {};
  #requests = 0;
  #failed = 0;
  #inARow = 0;
  #convergedMs = 0;
  #lastBad = '';

  constructor(weighted: ReadonlySet<string>, needed: number) {
    this.#weighted = weighted;
    this.#needed = needed;
  }

  get isDecided(): boolean {
    return (
      this.#inARow >= this.#needed && [...this.#weighted].every((version) => (this.#seen[version] ?? 0) > 0)
    );
  }

  add({ version, detail }: Answer, atMs: number): void {
    this.#requests += 1;
    if (version === null) {
      this.#failed += 1;
      this.#inARow = 0;
      this.#lastBad = `a request got no answer of the application (${detail})`;
      return;
    }
    this.#seen[version] = (this.#seen[version] ?? 0) + 1;
    if (this.#weighted.has(version)) {
      this.#inARow += 1;
      return;
    }
    this.#inARow = 0;
    this.#convergedMs = atMs;
    this.#lastBad = `${version}, which has no weight, answered ${Math.round(atMs)} ms after the proof began`;
  }

  evidence(ms: number): ProofEvidence {
    const unseen = [...this.#weighted].filter((version) => (this.#seen[version] ?? 0) === 0);
    const ok = this.isDecided;
    const why =
      unseen.length > 0
        ? `${unseen.join(', ')} did not answer once`
        : `only ${this.#inARow} answers in a row were right`;
    return {
      ok,
      seen: { ...this.#seen },
      requests: this.#requests,
      failed: this.#failed,
      convergedMs: Math.round(this.#convergedMs),
      basis: BASIS,
      message: ok
        ? `the last ${this.#inARow} of ${this.#requests} answers came from ${[...this.#weighted].join(', ')}`
        : `after ${Math.round(ms)} ms and ${this.#requests} requests: ${why}${this.#lastBad === '' ? '' : `; ${this.#lastBad}`}`,
    };
  }
}

/** Nothing public goes by weight, so there is nothing to ask: the router's acknowledgement is all there is. */
const controlPlaneOnly = (wish: TrafficWish): ProofEvidence => ({
  ok: true,
  seen: {},
  requests: 0,
  failed: 0,
  convergedMs: 0,
  basis: 'control-plane evidence only',
  message: `${wish.service.workload} has no route that leads there by weight; the router acknowledged the table`,
});

/** A route whose requests go by weight: no path rule sends this path to a version of its own. */
function placeToAsk(wish: TrafficWish): { host: string | undefined; path: string } | null {
  const byWeight = wish.routes.find((route) => !route.rules.some((rule) => diverts(rule, route.path, wish)));
  return byWeight === undefined ? null : { host: byWeight.host, path: byWeight.path };
}

const diverts = (rule: RouteSpec['rules'][number], path: string, wish: TrafficWish): boolean =>
  rule.path !== undefined &&
  (path === rule.path || path.startsWith(`${rule.path.replace(/\/$/, '')}/`)) &&
  ruleVersion(rule.version, wish) !== null;
