import type { SimulatedCluster } from './cluster.ts';
import { serviceId } from './data-plane.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

const LOOK_MS = 100;

/** Clients of every service that has routes: ordinary requests, slow ones and long streams, without retries. */
export function startClients(options: {
  timeline: Timeline;
  random: SeededRandom;
  cluster: SimulatedCluster;
  everyMs: number;
  untilMs: () => number;
}): void {
  const { timeline, random, cluster, everyMs, untilMs } = options;
  const known = new Set<string>();
  const client = (id: string) => {
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
  const look = () => {
    for (const { key } of cluster.plane.services.values()) {
      const id = serviceId(key);
      if (known.has(id)) continue;
      known.add(id);
      client(id);
    }
    if (timeline.now < untilMs()) timeline.after(LOOK_MS, look, { quiet: true });
  };
  look();
}
