import { type Clock, instant } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type CallStream, callStream } from './call-stream.ts';
import { cancelKey } from './dispatch-plan.ts';
import { parseAgentFrame } from './frames.ts';
import { CLOSE, type Link } from './link.ts';
import { type AgentFrame, type CallMethod, type ManagerFrame, PROTOCOL_VERSION } from './protocol.ts';

export type Hello = Extract<AgentFrame, { type: 'hello' }>;

export interface AgentConnectionOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly leaseMs: number;
  /** The one cluster that the agent's token speaks for; undefined: any. */
  readonly cluster: string | undefined;
  /** The hello is good and `hello` is set; the welcome has been sent. */
  greeted(connection: AgentConnection): void;
  frame(connection: AgentConnection, frame: AgentFrame): void;
  closed(connection: AgentConnection, reason: string): void;
}

/** One agent's connection: greeting, pings, and the calls that wait for its answers. */
export class AgentConnection {
  readonly #options: AgentConnectionOptions;
  readonly #link: Link;
  readonly #calls = new Map<number, CallStream>();
  /** By uid, as what is held: of a release that retention took, the names may come again. */
  readonly sent = new Set<string>();
  readonly held = new Set<string>();
  readonly cancelled = new Set<string>();
  /** Uid by `namespace/name` of what it said that it holds. */
  readonly #names = new Map<string, string>();
  /** Subjects of which it was told to forget an earlier release of that name. */
  readonly #forgotten = new Set<string>();
  hello: Hello | null = null;
  #lastSeen: number;
  #heardAt: number;
  #nextId = 1;
  #timer: Disposable;

  /** @param open makes the link from this connection's handlers */
  constructor(
    options: AgentConnectionOptions,
    open: (events: { frame(text: string): void; closed(reason: string): void }) => Link,
  ) {
    this.#options = options;
    this.#lastSeen = options.clock.now();
    this.#heardAt = options.clock.monotonic();
    this.#timer = options.clock.setTimer(options.leaseMs / 3, () => this.#beat());
    this.#link = open({
      frame: (text) => this.#heard(text),
      closed: (reason) => this.#over(reason),
    });
  }

  get lastSeen(): string {
    return instant(this.#lastSeen);
  }

  send(frame: ManagerFrame): Promise<boolean> {
    return this.#link.send(JSON.stringify(frame));
  }

  /**
   * Before an order: where it holds an execution of that name which is another, it forgets the subject. Once, since
   * from then on what it holds of the subject is the new one's.
   */
  forgetNamesake(key: string, uid: string, subject: string): void {
    const held = this.#names.get(key);
    if (held === undefined || held === uid || this.#forgotten.has(subject)) return;
    this.#forgotten.add(subject);
    void this.forget(subject);
  }

  /** What it holds of a release that has ended, or is no more, it need not hold any longer. */
  forget(subject: string): Promise<boolean> {
    for (const key of [...this.cancelled])
      if (key.startsWith(cancelKey(subject, ''))) this.cancelled.delete(key);
    return this.send({ type: 'forget', subject });
  }

  close(code: number, reason: string): void {
    this.#link.close(code, reason);
  }

  /** Answers one after the other; ends with the agent's last, an error, or the caller's leaving. */
  call(
    method: CallMethod,
    params: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): AsyncIterable<unknown> {
    const id = this.#nextId++;
    const stream = callStream({
      clock: this.#options.clock,
      // A log that is followed may be silent for hours.
      firstAnswerMs: method === 'logs' ? null : 10_000,
      signal,
      pause: () => this.#link.pause(),
      resume: () => this.#link.resume(),
      left: () => {
        if (this.#calls.delete(id)) void this.send({ type: 'hangUp', id });
      },
    });
    this.#calls.set(id, stream);
    void this.send({ type: 'call', id, method, params });
    return stream.answers;
  }

  #heard(text: string): void {
    this.#lastSeen = this.#options.clock.now();
    this.#heardAt = this.#options.clock.monotonic();
    const parsed = parseAgentFrame(text);
    if (!parsed.ok) {
      this.#options.log.warn('a frame of an agent is not understood', { message: parsed.error.message });
      void this.send({ type: 'error', message: parsed.error.message });
      return;
    }
    const frame = parsed.value;
    if (frame.type === 'hello') this.#greet(frame);
    else if (this.hello === null) this.close(CLOSE.protocol, 'the first frame must be a hello');
    else if (frame.type === 'data') this.#answered(frame);
    else if (frame.type !== 'pong') this.#options.frame(this, frame);
  }

  #greet(hello: Hello): void {
    const refusal = this.#refusal(hello);
    if (refusal !== null) {
      this.#options.log.warn('agent refused', { cluster: hello.cluster, reason: refusal });
      void this.send({ type: 'error', message: refusal });
      this.close(CLOSE.protocol, refusal);
      return;
    }
    this.hello = hello;
    for (const { namespace, execution, uid } of hello.holds) {
      this.held.add(uid);
      this.#names.set(`${namespace}/${execution}`, uid);
    }
    void this.send({ type: 'welcome', version: this.#options.version, leaseMs: this.#options.leaseMs });
    this.#options.greeted(this);
  }

  #refusal(hello: Hello): string | null {
    const { cluster } = this.#options;
    if (this.hello !== null) return 'a second hello';
    if (hello.protocol !== PROTOCOL_VERSION) {
      return `protocol ${hello.protocol} is not spoken here, only ${PROTOCOL_VERSION}`;
    }
    if (cluster !== undefined && cluster !== hello.cluster) {
      return `this token is for cluster ${cluster}, not for ${hello.cluster}`;
    }
    return null;
  }

  #answered(frame: Extract<AgentFrame, { type: 'data' }>): void {
    const stream = this.#calls.get(frame.id);
    if (stream === undefined) return;
    if (frame.end === true) this.#calls.delete(frame.id);
    if (frame.error !== undefined) stream.fail(new SlipwayError('unavailable', `the agent: ${frame.error}`));
    else {
      if (frame.data !== undefined) stream.push(frame.data);
      if (frame.end === true) stream.end();
    }
  }

  /** A ping three times a lease; an agent that is silent for one is given up. */
  #beat(): void {
    const { clock, leaseMs } = this.#options;
    if (clock.monotonic() - this.#heardAt >= leaseMs) {
      this.close(CLOSE.silent, `nothing heard for ${leaseMs} ms`);
      return;
    }
    this.#timer = clock.setTimer(leaseMs / 3, () => this.#beat());
    if (this.hello !== null) void this.send({ type: 'ping', id: this.#nextId++ });
  }

  #over(reason: string): void {
    this.#timer[Symbol.dispose]();
    const streams = [...this.#calls.values()];
    this.#calls.clear();
    for (const stream of streams) {
      stream.fail(new SlipwayError('unavailable', `the connection to the agent was lost: ${reason}`));
    }
    this.#options.closed(this, reason);
  }
}
