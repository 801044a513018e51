import type { Dial } from '../../../src/agent/connection.ts';
import type { Link, LinkEvents } from '../../../src/execution/link.ts';

/** What happens to frames on their way; counted over both directions and all connections of one dial. */
export interface FrameFaults {
  /** The link breaks instead of carrying these frames, counted from 1. */
  readonly breakAt?: (frame: number) => boolean;
  /** How often a frame arrives. */
  readonly copies?: (direction: 'out' | 'in', text: string) => number;
}

export function faultyDial(dial: Dial, faults: FrameFaults): Dial & { frames(): number } {
  let count = 0;
  const faulty = async (events: LinkEvents, signal: AbortSignal): Promise<Link> => {
    let link: Link | null = null;
    /** False when the frame broke the link. */
    const passes = () => {
      count += 1;
      if (faults.breakAt?.(count) !== true) return true;
      link?.close(4999, 'broken by the test');
      return false;
    };
    const inner = await dial(
      {
        closed: events.closed,
        frame: (text) => {
          if (!passes()) return;
          for (let n = faults.copies?.('in', text) ?? 1; n > 0; n -= 1) events.frame(text);
        },
      },
      signal,
    );
    link = {
      get open() {
        return inner.open;
      },
      pause: () => inner.pause(),
      resume: () => inner.resume(),
      close: (code, reason) => inner.close(code, reason),
      send: async (text) => {
        if (!passes()) return false;
        for (let n = (faults.copies?.('out', text) ?? 1) - 1; n > 0; n -= 1) void inner.send(text);
        return inner.send(text);
      },
    };
    return link;
  };
  return Object.assign(faulty, { frames: () => count });
}

/**
 * A process that can be killed: after the kill no call of its ports begins or returns, as with `kill -9`.
 * What a call did to the world before it returned has happened.
 */
export class Mortal {
  #dead = false;
  #calls = 0;
  /** Kills at this call, before or after its effect. */
  readonly #at: { call: number; when: 'before' | 'after' } | null;
  readonly #killed = Promise.withResolvers<void>();

  constructor(at: { call: number; when: 'before' | 'after' } | null = null) {
    this.#at = at;
  }

  get calls(): number {
    return this.#calls;
  }

  get killed(): Promise<void> {
    return this.#killed.promise;
  }

  get isDead(): boolean {
    return this.#dead;
  }

  kill(): void {
    this.#dead = true;
    this.#killed.resolve();
  }

  /** The same port, as long as the process lives. Calls are counted. */
  port<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name, receiver) => {
        const value: unknown = Reflect.get(target, name, receiver);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (this.#dead) return never();
          const result: unknown = this.#call(() => value.apply(target, args));
          return result;
        };
      },
    });
  }

  dial(dial: Dial): Dial {
    return async (events, signal) => {
      if (this.#dead) return never();
      const link = await dial(
        {
          frame: (text) => {
            if (!this.#dead) events.frame(text);
          },
          closed: (reason) => {
            if (!this.#dead) events.closed(reason);
          },
        },
        signal,
      );
      void this.killed.then(() => link.close(4999, 'killed by the test'));
      return {
        get open() {
          return link.open;
        },
        pause: () => link.pause(),
        resume: () => link.resume(),
        close: (code, reason) => link.close(code, reason),
        send: (text) => (this.#dead ? never() : link.send(text)),
      };
    };
  }

  #call(act: () => unknown): unknown {
    this.#calls += 1;
    const here = this.#at !== null && this.#calls === this.#at.call;
    if (here && this.#at?.when === 'before') {
      this.kill();
      return never();
    }
    const result = act();
    if (!(result instanceof Promise)) {
      if (here) this.kill();
      return result;
    }
    return result.then(
      (value) => {
        if (here) this.kill();
        return this.#dead ? never() : value;
      },
      (error: unknown) => {
        if (this.#dead) return never();
        throw error;
      },
    );
  }
}

const never = <T>(): Promise<T> => new Promise<T>(() => {});
