import { Worker } from 'node:worker_threads';
import type { RunOutcome } from '../../src/simulator/simulation.ts';
import { type CampaignOptions, type CampaignResult, CampaignSums } from './campaign.ts';

/**
 * Runs seeds in several threads, each seed in one of them; what comes of a seed does not depend on which. Where it
 * is to end at the first seed that breaks a promise, the seeds before that one are all run.
 */
export async function runParallelCampaign(
  options: CampaignOptions,
  threads: number,
): Promise<CampaignResult> {
  const began = performance.now();
  const sums = new CampaignSums(options.from);
  let next = options.from;
  let end = options.from + options.seeds;
  const take = (): number | null => {
    const late = performance.now() - began > (options.limitMs ?? Number.POSITIVE_INFINITY);
    return late || next >= end ? null : next++;
  };
  await Promise.all(Array.from({ length: Math.min(threads, options.seeds) }, () => work()));
  return sums.result();

  function work(): Promise<void> {
    const worker = new Worker(new URL('./campaign-worker.ts', import.meta.url));
    const give = () => {
      const seed = take();
      if (seed === null) void worker.terminate();
      else worker.postMessage(seed);
    };
    return new Promise((resolve, reject) => {
      worker.on('message', ({ seed, outcome }: { seed: number; outcome: RunOutcome }) => {
        // A seed beyond the first that breaks a promise was begun before that was known.
        if (seed < end) {
          sums.add(seed, outcome);
          options.told?.(seed, outcome);
          if (options.stopAtFirst === true && outcome.violations.length > 0) end = seed + 1;
        }
        give();
      });
      worker.on('error', reject);
      worker.on('exit', () => resolve());
      give();
    });
  }
}
