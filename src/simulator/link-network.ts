import { type Link, type LinkEvents, MAX_FRAME_BYTES } from '../execution/link.ts';
import { type FaultTally, type Strikes, strikesOf } from './fault-tally.ts';
import type { Life } from './life.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

/** Faults of the way between agent and manager, 0 to 1 per frame or dial. */
export interface LinkFaults {
  /** The connection breaks; both ends learn it, at different times. */
  readonly reset: number;
  /** Frames of one direction vanish from then on, and nobody is told. */
  readonly halfOpen: number;
  /** A frame arrives twice: a peer that sends again what it believes lost. */
  readonly duplicate: number;
  readonly slow: number;
  readonly dialRefused: number;
}

interface End {
  readonly life: Life;
  readonly events: LinkEvents;
  open: boolean;
  deaf: boolean;
  /** Frames of one direction keep their order (RFC 6455 runs over TCP), and so does the end behind them. */
  lastArrival: number;
  /** What came while its reader was paused; the sender is not told, as with a socket's window. */
  readonly held: (() => void)[];
  paused: boolean;
}

const newEnd = (life: Life, events: LinkEvents): End => ({
  ...{ life, events, open: true, deaf: false, lastArrival: 0, held: [], paused: false },
});

/** Links in virtual time. A frame is late, doubled or lost with its connection, never out of order within one. */
export class LinkNetwork {
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;
  readonly #tally: FaultTally;
  readonly #strikes: Strikes;
  faults: LinkFaults;
  /** Told of every frame that somebody hands over: by whom, and to whom. */
  onSend: (life: Life, text: string, to: Life) => void = () => {};
  /** Told of every frame that reaches somebody. */
  onArrive: (life: Life, text: string) => void = () => {};
  /** Frames that somebody else sends behind this one; they come with it. */
  forge: (text: string) => readonly string[] = () => [];
  /** While it is cut nothing passes, nobody is told, and what is sent comes after it. */
  #cutUntil = 0;

  constructor(timeline: Timeline, random: SeededRandom, faults: LinkFaults, tally: FaultTally) {
    this.#timeline = timeline;
    this.#random = random;
    this.#tally = tally;
    this.#strikes = strikesOf(random, tally);
    this.faults = faults;
  }

  partition(ms: number): void {
    this.#cutUntil = Math.max(this.#cutUntil, this.#timeline.now + ms);
  }

  get isCut(): boolean {
    return this.#timeline.now < this.#cutUntil;
  }

  /** Opens a link from one process to another; `accept` is the callee's side. */
  async dial(
    caller: { life: Life; events: LinkEvents },
    callee: { life: Life; accept(open: (events: LinkEvents) => Link): void } | undefined,
    signal: AbortSignal,
  ): Promise<Link> {
    await caller.life.call(() => this.#timeline.wait(this.#delay()));
    signal.throwIfAborted();
    if (
      callee === undefined ||
      !callee.life.alive ||
      this.isCut ||
      this.#strikes('dial refused', this.faults.dialRefused)
    )
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const near = newEnd(caller.life, caller.events);
    let far: End | undefined;
    const ends = () => [near, far] as const;
    callee.accept((events) => {
      far = newEnd(callee.life, events);
      return this.#link(far, () => near);
    });
    for (const end of ends()) {
      // The kernel of a killed process says so to its peer, unless the network is cut.
      end?.life.onDeath(() => this.#break(end === near ? far : near, 'connection reset'));
    }
    return this.#link(near, () => far);
  }

  #link(mine: End, peer: () => End | undefined): Link {
    return {
      get open() {
        return mine.open;
      },
      send: async (text) => {
        const other = peer();
        if (!mine.open || !mine.life.alive || other === undefined) return false;
        this.onSend(mine.life, text, other.life);
        this.#send(text, mine, other);
        return true;
      },
      pause: () => {
        mine.paused = true;
      },
      resume: () => {
        mine.paused = false;
        while (!mine.paused && mine.held.length > 0) mine.held.shift()?.();
      },
      close: (_code, reason) => {
        if (!mine.open) return;
        mine.open = false;
        mine.events.closed(reason);
        const other = peer();
        if (other !== undefined && !other.deaf && !this.isCut)
          this.#arrive(other, () => ended(other, reason));
      },
    };
  }

  #send(text: string, from: End, to: End): void {
    const { reset, halfOpen, duplicate } = this.faults;
    if (to.deaf) {
      this.#tally.add('frame lost in a half-open link');
      return;
    }
    if (!to.life.alive) {
      // Whoever has its address now knows nothing of the connection and says so.
      this.#break(from, 'connection reset');
      return;
    }
    if (text.length * 3 > MAX_FRAME_BYTES && Buffer.byteLength(text) > MAX_FRAME_BYTES) {
      this.#breakBoth(from, to, 'max payload size exceeded');
      return;
    }
    if (this.#strikes('link half open', halfOpen)) {
      to.deaf = true;
      return;
    }
    if (this.#strikes('link reset', reset)) {
      this.#breakBoth(from, to, 'connection reset');
      return;
    }
    const frame = (what: string) => () => {
      if (!to.open) return;
      this.onArrive(to.life, what);
      to.events.frame(what);
    };
    this.#arrive(to, frame(text));
    for (const forged of this.forge(text)) this.#arrive(to, frame(forged), 0);
    // Greetings open a connection; a second one is another connection's.
    if (!/^\{"type":"(hello|welcome)"/.test(text) && this.#strikes('frame doubled', duplicate))
      this.#arrive(to, frame(text));
  }

  #arrive(to: End, act: () => void, delayMs = this.#delay()): void {
    // What was sent into a cut is sent again by TCP until it is over, unless somebody gave up before.
    if (this.isCut) this.#tally.add('frame held up by a partition');
    const at = Math.max(to.lastArrival, Math.max(this.#timeline.now, this.#cutUntil) + delayMs);
    to.lastArrival = at;
    this.#timeline.after(at - this.#timeline.now, () =>
      to.life.deliver(() => {
        if (to.paused) to.held.push(act);
        else act();
      }),
    );
  }

  /** It broke: what was not read yet is lost with it. Of a peer's death nobody is told through a cut. */
  #break(end: End | undefined, reason: string): void {
    if (end === undefined || this.isCut) return;
    this.#breakAfter(end, reason, 0);
  }

  /** A connection that lost a frame is none any more: both ends learn it, when the cut is over at the latest. */
  #breakBoth(from: End, to: End, reason: string): void {
    const cutMs = Math.max(0, this.#cutUntil - this.#timeline.now);
    to.deaf = true;
    for (const end of [from, to]) this.#breakAfter(end, reason, cutMs);
  }

  #breakAfter(end: End, reason: string, waitMs: number): void {
    this.#timeline.after(waitMs + this.#delay(), () => end.life.deliver(() => ended(end, reason)));
  }

  #delay(): number {
    return this.#strikes('frame late', this.faults.slow) ? this.#random.between(20, 5_000) : 0.3;
  }
}

function ended(end: End, reason: string): void {
  if (!end.open) return;
  end.open = false;
  end.events.closed(reason);
}
