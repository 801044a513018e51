import type { RouteSpec } from '../api/application.ts';
import type { Clock } from '../lib/clock.ts';
import type { Network } from '../lib/network.ts';
import { type Prober, type ProberEvidence, startProber } from './prober.ts';

/** The probers of one execution: each runs from before a flip until its proof after has ended. */
export interface FlipProbers {
  /** Does nothing where one runs for the workload. */
  start(workload: string, route: RouteSpec): void;
  stop(workload: string): Promise<void>;
  stopAll(): Promise<void>;
}

export function flipProbers(options: {
  network: Network;
  clock: Clock;
  entry: string | undefined;
  counted(workload: string, evidence: ProberEvidence): void;
}): FlipProbers {
  const running = new Map<string, Prober>();
  const stop = async (workload: string) => {
    const prober = running.get(workload);
    if (prober === undefined) return;
    running.delete(workload);
    options.counted(workload, await prober.stop());
  };
  return {
    start: (workload, route) => {
      const { network, clock, entry } = options;
      if (entry === undefined || running.has(workload)) return;
      running.set(workload, startProber({ network, clock, entry, route }));
    },
    stop,
    stopAll: async () => {
      await Promise.all([...running.keys()].map(stop));
    },
  };
}
