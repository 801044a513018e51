import type { HttpAnswer, Network } from '../lib/network.ts';
import type { CommandOutcome, Processes, RunCommand } from '../lib/processes.ts';
import { REVISION_HEADER } from '../router/table.ts';
import type { SimulatedCluster } from './cluster.ts';
import type { Life } from './life.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

/** How what a gate asks outside the application answers. */
export interface OutsideService {
  /** Time to its answer, ms; Infinity: it hangs. */
  readonly answerMs: number;
  /** Chance of a good answer at each asking. */
  readonly passes: number;
  /** The good answer, where a gate looks at more than its status. */
  readonly good?: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
}

/** How a scenario names whom a gate asks, the closest first: by the whole URL or command line, or its host or program. */
export const namesOfUrl = (url: string): readonly string[] => {
  const { href, hostname } = new URL(url);
  return [href, hostname];
};
export const namesOfCommand = (argv: readonly string[]): readonly string[] => [argv.join(' '), argv[0] ?? ''];

/** Where the agent's own requests go: the entry (its prober) and what gates ask by URL or command. */
export const ENTRY = 'http://entry.simulated';

/** Every name leads to the internet, but for the machine's own. Addresses for documentation are none of it. */
export const resolveHost = async (host: string): Promise<readonly string[]> => [
  /(^|\.)localhost$/.test(host) ? '127.0.0.1' : '93.184.215.14',
];

/** Outgoing HTTP of one process: the entry leads into the data plane, every other host is a gate's service. */
export function simulatedNetwork(options: {
  life: Life;
  timeline: Timeline;
  random: SeededRandom;
  cluster: SimulatedCluster;
  services: ReadonlyMap<string, OutsideService>;
}): Network {
  const { life, timeline, random, cluster, services } = options;
  return {
    request: (request) =>
      life.call(async () => {
        const url = new URL(request.url);
        if (url.origin === ENTRY) return askEntry(request.headers?.host ?? '');
        const service = called(services, namesOfUrl(request.url));
        if (service === undefined) throw Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' });
        if (service.answerMs > request.timeoutMs) {
          await timeline.wait(request.timeoutMs);
          throw Object.assign(new Error('ETIMEDOUT'), { code: 'ETIMEDOUT' });
        }
        await timeline.wait(service.answerMs);
        const { good, passes, answerMs } = service;
        if (!random.chance(passes)) return answer(500, {}, answerMs);
        return answer(good?.status ?? 200, good?.headers ?? {}, answerMs, good?.body);
      }),
    connect: () => life.call(() => {}),
  };

  function askEntry(host: string): Promise<HttpAnswer> {
    const service = [...cluster.plane.services.values()].find((each) =>
      each.written?.routes.some((route) => route.host === host),
    );
    const began = timeline.now;
    return new Promise((resolve, reject) => {
      if (service === undefined) {
        resolve(answer(404, {}, 1));
        return;
      }
      cluster.requests.start(service.key, 'request', ({ version, cause }) => {
        // On an event of its own, so that the run settles after it.
        timeline.after(0, () => {
          if (cause === 'reset' || cause === 'refused')
            reject(
              Object.assign(new Error(cause), { code: cause === 'reset' ? 'ECONNRESET' : 'ECONNREFUSED' }),
            );
          else if (cause === 'noBackend') resolve(answer(503, {}, 1));
          else
            resolve(
              answer(
                cause === 'error' ? 500 : 200,
                { [REVISION_HEADER]: version ?? '' },
                timeline.now - began,
              ),
            );
        });
      });
    });
  }
}

const answer = (
  status: number,
  headers: Readonly<Record<string, string>>,
  ms: number,
  body = '',
): HttpAnswer => ({
  status,
  headers,
  body: Buffer.from(body),
  truncated: false,
  ms,
});

const called = (
  by: ReadonlyMap<string, OutsideService>,
  names: readonly string[],
): OutsideService | undefined => names.map((name) => by.get(name)).find((found) => found !== undefined);

/** Commands of gates. Nothing else is run by an agent whose cluster is simulated. */
export function simulatedProcesses(options: {
  life: Life;
  timeline: Timeline;
  random: SeededRandom;
  commands: ReadonlyMap<string, OutsideService>;
  /** Told at each start; what is returned, when the process knows how it ended. */
  ran(command: RunCommand): (outcome: CommandOutcome) => void;
}): Processes {
  const { life, timeline, random, commands } = options;
  const cannot = (): Promise<never> =>
    Promise.reject(new TypeError('the simulated cluster supervises its instances itself'));
  return {
    run: async (command) => {
      let answered: (outcome: CommandOutcome) => void = () => {};
      const outcome = await life.call(async (): Promise<CommandOutcome> => {
        answered = options.ran(command);
        const service = called(commands, namesOfCommand(command.argv)) ?? { answerMs: 10, passes: 1 };
        const timedOut = service.answerMs > command.timeoutMs;
        const ms = Math.min(service.answerMs, command.timeoutMs);
        await timeline.wait(ms);
        command.signal?.throwIfAborted();
        const exitCode = timedOut ? null : random.chance(service.passes) ? 0 : 1;
        return { exitCode, signal: timedOut ? 'SIGKILL' : null, stdout: '', stderr: '', timedOut, ms };
      });
      answered(outcome);
      return outcome;
    },
    spawnGroup: cannot,
    reclaimGroup: cannot,
    isAlive: cannot,
    isGroupAlive: cannot,
    signalGroup: cannot,
    awaitExit: cannot,
    usage: cannot,
  };
}
