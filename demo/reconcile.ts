import type { Execution } from '../src/api/execution.ts';
import { proofRequests } from '../src/engine/receipt/proof-requests.ts';
import type { RouterStats } from '../src/router/table.ts';
import type { LoadReport } from '../test/support/load/report.ts';

export interface Reconciliation {
  readonly ok: boolean;
  /** Requests that reached the service through the entry, as the router counted them. */
  readonly router: number;
  /** Requests that the load's clients started. */
  readonly clients: number;
  /** Slipway's own through the same entry: proofs after flips, and the prober that runs across each flip. */
  readonly proofs: number;
  readonly probes: number;
  readonly routerFailed: number;
  readonly clientsFailed: number;
  /** What does not agree, each a sentence. */
  readonly differences: readonly string[];
}

/**
 * Two independent counts of the same requests. The router counts every request that it accepted for the
 * service, the clients every one that they started, and Slipway says in its evidence how many it sent itself;
 * so, when all has settled and the router was not restarted:
 *
 *     router = clients + proofs + probes       none is missing, none is counted twice
 *     router failed = 0 exactly when clients failed = 0
 *     router = completed + failed + client gone, and nothing is in flight
 *
 * Requests through the preview (proof before, gates with a path) never enter by the entry's rules: the router
 * counts them apart, and so they are no part of this.
 */
export function reconcile(input: {
  readonly service: string;
  readonly before: RouterStats;
  readonly after: RouterStats;
  readonly clients: Pick<LoadReport, 'started' | 'failed'>;
  /** All of the service since `before`. */
  readonly executions: readonly Execution[];
}): Reconciliation {
  const { service, before, after, clients, executions } = input;
  const now = totals(after, service);
  const then = totals(before, service);
  const router = now.requests - then.requests;
  const routerFailed = now.failed - then.failed;
  const { proofs, probes } = ownRequests(executions);
  const settled = now.completed + now.failed + now.clientGone;
  const differences: string[] = [];
  if (before.bootId !== after.bootId)
    differences.push('the router was started again, so its counts began anew');
  if (router !== clients.started + proofs + probes) {
    const expected = `${clients.started} of clients + ${proofs} proofs + ${probes} probes`;
    differences.push(`the router counted ${router} requests, and ${expected} were sent`);
  }
  if (routerFailed > 0 !== clients.failed > 0) {
    differences.push(`the router saw ${routerFailed} failures, the clients ${clients.failed}`);
  }
  if (now.inFlight !== 0) differences.push(`${now.inFlight} requests are still inside the router`);
  if (now.requests !== settled + now.inFlight) {
    differences.push(
      `of ${now.requests} requests the router has ${settled} settled and ${now.inFlight} inside`,
    );
  }
  return {
    ok: differences.length === 0,
    router,
    clients: clients.started,
    proofs,
    probes,
    routerFailed,
    clientsFailed: clients.failed,
    differences,
  };
}

function totals(stats: RouterStats, service: string) {
  const sum = { requests: 0, completed: 0, failed: 0, clientGone: 0, inFlight: 0 };
  for (const one of stats.versions.filter((version) => version.service === service)) {
    sum.requests += one.requests;
    sum.completed += one.completed;
    sum.clientGone += one.clientGone;
    sum.inFlight += one.inFlight;
    for (const count of Object.values(one.failed)) sum.failed += count;
  }
  return sum;
}

/** What Slipway sent itself, by the evidence of its instructions. */
function ownRequests(executions: readonly Execution[]): { proofs: number; probes: number } {
  const instructions = executions.flatMap((execution) => execution.status?.instructions ?? []);
  let probes = 0;
  for (const { evidence } of instructions) {
    const prober = evidence.prober as { total?: number; unfinished?: number } | undefined;
    probes += (prober?.total ?? 0) + (prober?.unfinished ?? 0);
  }
  return { proofs: proofRequests(instructions) ?? 0, probes };
}
