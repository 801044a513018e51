import { type Place, placeId, type Standing } from '../api/standing.ts';
import type { AgentFrame } from './protocol.ts';

type StandingFrame = Extract<AgentFrame, { type: 'standing' }>;

interface ClusterStandings {
  number: number;
  /** By place. */
  readonly standings: Map<string, Standing>;
  /** An order for it was sent, runs, or has just ended: what was told before is no longer so. */
  readonly unknown: Set<string>;
}

/**
 * What agents say that stands in their clusters. Known only between two orders for a place and only while the agent
 * is connected: what is not known is not guessed.
 */
export class Standings {
  readonly #clusters = new Map<string, ClusterStandings>();
  readonly #changed: (place: Place | null) => void;

  /** @param changed something is known of a place that was not; null: of all, also of those with nothing */
  constructor(changed: (place: Place | null) => void) {
    this.#changed = changed;
  }

  told(cluster: string, { number, whole, places, busy }: StandingFrame): void {
    const known = this.#clusters.get(cluster);
    if (known !== undefined && number <= known.number) return;
    const of: ClusterStandings =
      whole || known === undefined ? { number, standings: new Map(), unknown: new Set() } : known;
    // A change of what was never told whole: the whole is on its way.
    if (!whole && known === undefined) return;
    of.number = number;
    this.#clusters.set(cluster, of);
    for (const standing of places) {
      of.standings.set(placeId(standing), standing);
      of.unknown.delete(placeId(standing));
    }
    for (const place of busy) of.unknown.add(placeId(place));
    if (whole) this.#changed(null);
    else for (const place of places) this.#changed(place);
  }

  /** Orders may change it from now on, or have changed it until now. */
  forget(cluster: string, place: Place): void {
    const of = this.#clusters.get(cluster);
    of?.standings.delete(placeId(place));
    of?.unknown.add(placeId(place));
  }

  /** The agent is gone: nobody knows what stands there. */
  lost(cluster: string): void {
    this.#clusters.delete(cluster);
  }

  /** Undefined: not known. */
  of(cluster: string, place: Place): Standing | undefined {
    const of = this.#clusters.get(cluster);
    const id = placeId(place);
    if (of === undefined || of.unknown.has(id)) return undefined;
    const { namespace, application, environment } = place;
    return of.standings.get(id) ?? { namespace, application, environment, workloads: [], services: [] };
  }

  /** Every place of which a cluster has something. */
  all(cluster: string): readonly Standing[] {
    return [...(this.#clusters.get(cluster)?.standings.values() ?? [])].filter(
      ({ workloads }) => workloads.length > 0,
    );
  }
}
