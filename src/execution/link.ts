import type { WebSocket } from 'ws';
import { messageOf } from '../lib/errors.ts';

/** Largest frame that either side takes, in bytes: an order with its revisions, or a page of a log. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/**
 * One connection between agent and manager, text frames in order. A connection that broke says so once by
 * `closed` and never again delivers anything: whoever holds a newer one must not hear the older.
 */
export interface Link {
  readonly open: boolean;
  /** Resolves when the frame was handed to the network; false when the link was closed. */
  send(text: string): Promise<boolean>;
  /** Stops and starts delivery at once, so that a slow reader slows the sender; an end waits behind its frames. */
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
}

export interface LinkEvents {
  frame(text: string): void;
  closed(reason: string): void;
}

/** Close codes of our own (RFC 6455 section 7.4.2 leaves 4000-4999 to applications). */
export const CLOSE = { replaced: 4000, protocol: 4002, silent: 4003, stopping: 4001 } as const;

/** A WebSocket as a link. */
export function socketLink(socket: WebSocket, events: LinkEvents): Link {
  let over = false;
  let paused = false;
  // ws hands over every frame of what it has read, also when the first of them made its reader pause.
  const held: (() => void)[] = [];
  const end = (reason: string) => {
    if (over) return;
    over = true;
    events.closed(reason);
  };
  socket.on('message', (data, isBinary) => {
    if (over) return;
    if (isBinary) {
      socket.close(CLOSE.protocol, 'text frames only');
      return;
    }
    const text = Array.isArray(data) ? Buffer.concat(data).toString() : data.toString();
    if (paused) held.push(() => !over && events.frame(text));
    else events.frame(text);
  });
  socket.on('error', (error) => {
    end(messageOf(error));
    socket.terminate();
  });
  socket.on('close', (code, reason) => {
    const words = reason.toString() || `closed with ${code}`;
    if (held.length > 0) held.push(() => end(words));
    else end(words);
  });
  return {
    get open() {
      return !over && socket.readyState === socket.OPEN;
    },
    send: (text) =>
      new Promise((resolve) => {
        if (over || socket.readyState !== socket.OPEN) {
          resolve(false);
          return;
        }
        socket.send(text, (error) => resolve(error === undefined || error === null));
      }),
    pause: () => {
      paused = true;
      socket.pause();
    },
    resume: () => {
      paused = false;
      while (!paused && held.length > 0) held.shift()?.();
      if (!paused) socket.resume();
    },
    close: (code, reason) => {
      end(reason);
      socket.close(code, reason.slice(0, 120));
      // A peer that does not answer the close frame holds the descriptor; ws gives it 30 s of its own.
      if (code === CLOSE.silent) socket.terminate();
    },
  };
}
