import { WebSocket } from 'ws';
import { parseManagerFrame } from '../execution/frames.ts';
import { CLOSE, type Link, type LinkEvents, MAX_FRAME_BYTES, socketLink } from '../execution/link.ts';
import {
  type AgentFrame,
  type HeldExecution,
  type ManagerFrame,
  PROTOCOL_VERSION,
  VERSION_HEADER,
} from '../execution/protocol.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Random } from '../lib/random.ts';
import type { Lease } from './lease.ts';

/** Opens one link; rejects when that fails or the signal is aborted. The simulator brings its own. */
export type Dial = (events: LinkEvents, signal: AbortSignal) => Promise<Link>;

const FIRST_DELAY_MS = 20;
const LONGEST_DELAY_MS = 2_000;
/** Opening, with TLS. */
const OPEN_MS = 10_000;
/** From open to welcome. */
const WELCOME_MS = 5_000;

export interface DialOptions {
  /** `https://HOST:PORT` or `wss://…` of the manager. */
  readonly managerUrl: string;
  /** PEM of the only authority that is trusted; absent for plain tests on loopback. */
  readonly ca?: string | undefined;
  readonly token: string;
  readonly version: string;
}

export function webSocketDial({ managerUrl, ca, token, version }: DialOptions): Dial {
  const url = new URL('/agent/v1/connect', managerUrl.replace(/^http/, 'ws'));
  return (events, signal) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(url, {
        ...(ca === undefined ? {} : { ca }),
        headers: { authorization: `Bearer ${token}`, [VERSION_HEADER]: version },
        handshakeTimeout: OPEN_MS,
        maxPayload: MAX_FRAME_BYTES,
        followRedirects: false,
        perMessageDeflate: false,
      });
      const link = socketLink(socket, {
        frame: events.frame,
        closed: (reason) => {
          // Before it opened this is the whole outcome; afterwards `reject` does nothing any more.
          reject(new Error(reason));
          events.closed(reason);
        },
      });
      const giveUp = () => socket.terminate();
      signal.addEventListener('abort', giveUp, { once: true });
      socket.once('close', () => signal.removeEventListener('abort', giveUp));
      socket.once('open', () => resolve(link));
    });
}

export interface ConnectionOptions {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly lease: Lease;
  readonly cluster: string;
  readonly version: string;
  readonly entry: readonly string[];
  holds(): Promise<readonly HeldExecution[]>;
  /** Welcomed: say again what the manager may not have. */
  connected(): void;
  /** Frames that are not about the connection itself. */
  frame(frame: ManagerFrame): void;
  disconnected(): void;
}

/**
 * One connection to the manager at a time, for ever: dial → hello → welcome → frames, and again after a
 * loss, 20 ms later at first and up to 2 s, with jitter so that many agents do not return at one moment.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #stop = new AbortController();
  #link: Link | null = null;
  #running: Promise<void> | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** False when there is no welcomed connection; such a frame is lost. */
  send(frame: AgentFrame): boolean {
    if (this.#link === null || !this.#link.open) return false;
    void this.#link.send(JSON.stringify(frame));
    return true;
  }

  /** Resolves when the frame was handed to the network, so that a long answer takes no memory. */
  async sendSlowly(frame: AgentFrame): Promise<boolean> {
    return this.#link === null ? false : this.#link.send(JSON.stringify(frame));
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the agent stops'));
    this.#link?.close(CLOSE.stopping, 'the agent stops');
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random, log } = this.#options;
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const welcomed = await this.#once().catch((error: unknown) => {
        log.debug('the manager cannot be reached', { error: messageOf(error) });
        return false;
      });
      failures = welcomed ? 0 : failures + 1;
      const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
      try {
        await clock.sleep(longest * (0.5 + random.next() / 2), this.#stop.signal);
      } catch {
        return;
      }
    }
  }

  /** One connection from its opening to its end; true when it was welcomed. */
  async #once(): Promise<boolean> {
    const { dial, clock, version, cluster, entry, lease } = this.#options;
    const ended = Promise.withResolvers<string>();
    let welcomed = false;
    // Frames count from the moment the link is ours until it is not: an older link must not be heard.
    let link: Link | null = null;
    const silence = silenceGuard(clock, () => link?.close(CLOSE.silent, 'silence'));
    const events: LinkEvents = {
      frame: (text) => {
        if (link === null || this.#stop.signal.aborted) return;
        const parsed = parseManagerFrame(text);
        if (!parsed.ok) {
          this.#notUnderstood(link, parsed.error);
          return;
        }
        const frame = parsed.value;
        if (frame.type === 'welcome') {
          welcomed = true;
          this.#link = link;
          lease.begin(frame.leaseMs);
          this.#options.log.info('connected to the manager', { manager: frame.version });
          silence.leaseMs = frame.leaseMs;
          this.#options.connected();
        } else if (welcomed) {
          this.#heard(link, frame);
        }
        silence.heard();
      },
      closed: (reason) => ended.resolve(reason),
    };
    try {
      link = await dial(events, this.#stop.signal);
      // An agent that began to stop while the link opened has not closed it yet.
      if (this.#stop.signal.aborted) link.close(CLOSE.stopping, 'the agent stops');
      silence.leaseMs = WELCOME_MS;
      silence.heard();
      await link.send(
        JSON.stringify({
          type: 'hello',
          protocol: PROTOCOL_VERSION,
          version,
          cluster,
          holds: await this.#options.holds(),
          address: { entry },
        } satisfies AgentFrame),
      );
      const reason = await ended.promise;
      if (welcomed) this.#options.log.warn('the connection to the manager was lost', { reason });
      return welcomed;
    } finally {
      link = null;
      silence.stop();
      this.#link = null;
      if (welcomed) this.#options.disconnected();
    }
  }

  #heard(link: Link, frame: ManagerFrame): void {
    this.#options.lease.renew();
    if (frame.type === 'ping') {
      void link.send(JSON.stringify({ type: 'pong', id: frame.id } satisfies AgentFrame));
    } else if (frame.type === 'error') {
      this.#options.log.warn('the manager did not understand a frame', { message: frame.message });
    } else {
      this.#options.frame(frame);
    }
  }

  /** INV-19: an order that cannot be understood is refused by name; anything else is dropped and logged. */
  #notUnderstood(
    link: Link,
    bad: { message: string; order: { execution: string; namespace: string } | null },
  ): void {
    this.#options.log.warn('a frame of the manager is not understood', { message: bad.message });
    if (bad.order === null) return;
    const reason = `the order is not understood: ${bad.message} (INV-19)`;
    void link.send(JSON.stringify({ type: 'refused', ...bad.order, reason } satisfies AgentFrame));
  }
}

/** A link on which nothing was heard for the lease is half open and is given up. */
function silenceGuard(clock: Clock, silent: () => void) {
  let timer: Disposable | null = null;
  const guard = {
    leaseMs: WELCOME_MS,
    heard: () => {
      guard.stop();
      timer = clock.setTimer(guard.leaseMs, silent);
    },
    stop: () => timer?.[Symbol.dispose](),
  };
  return guard;
}
