import type { SimulatedCluster } from './cluster.ts';
import { serviceId } from './data-plane.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

/** Clients of every service that has routes: ordinary requests, slow ones and long streams, without retries. */
export function startClients(options: {
  timeline: Timeline;
  random: SeededRandom;
  cluster: SimulatedCluster;
  everyMs: number;
  untilMs: () => number;
}): void {
  const { timeline, random, cluster, everyMs, untilMs } = options;
  cluster.plane.onService = ({ key }) => {
    const id = serviceId(key);
    const mine = random.split(id);
    const ask = () => {
      if (timeline.now >= untilMs()) return;
      const service = cluster.plane.services.get(id);
      if (service?.written !== undefined)
        cluster.requests.start(service.key, mine.weighted({ request: 90, slow: 7, stream: 3 }));
      timeline.after(-Math.log(1 - mine.next()) * everyMs, ask, { quiet: true });
    };
    ask();
  };
}
