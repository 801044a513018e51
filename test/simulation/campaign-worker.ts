/** One thread of a campaign: runs the seed that it is sent, answers with what came of it, and waits for the next. */
import { parentPort } from 'node:worker_threads';
import { runSeed } from './campaign.ts';

parentPort?.on('message', (seed: number) => {
  void runSeed(seed).then((outcome) => parentPort?.postMessage({ seed, outcome }));
});
