import type { Socket } from 'node:net';
import { writeShared } from './shared-bytes.ts';
import { WebSocketFrames } from './websocket-frames.ts';

/** How a tunnel ended, once one side has. */
export type TunnelEnd = 'completed' | 'cut' | 'clientGone';

/**
 * An upgraded connection: bytes both ways, each side read no faster than the other takes. A WebSocket
 * whose instance ends it without a Close frame in either direction was cut; other protocols have no sign
 * that we know, so their FIN is an end.
 */
export class Tunnel {
  private readonly client: Socket;
  private readonly upstream: Socket;
  private readonly fromClient: WebSocketFrames | null;
  private readonly fromUpstream: WebSocketFrames | null;

  constructor(client: Socket, upstream: Socket, protocol: string) {
    this.client = client;
    this.upstream = upstream;
    const webSocket = protocol.toLowerCase() === 'websocket';
    this.fromClient = webSocket ? new WebSocketFrames() : null;
    this.fromUpstream = webSocket ? new WebSocketFrames() : null;
  }

  /** Answers whether the client should pause. `bytes[from, to)` are valid during the call only. */
  clientBytes(bytes: Buffer, from: number, to: number): boolean {
    this.fromClient?.take(bytes, from, to);
    return !writeShared(this.upstream, '', bytes, from, to);
  }

  /** Answers whether the instance should pause. `bytes[from, to)` are valid during the call only. */
  upstreamBytes(bytes: Buffer, from: number, to: number): boolean {
    this.fromUpstream?.take(bytes, from, to);
    return !writeShared(this.client, '', bytes, from, to);
  }

  /** The end as the first side to end makes it. */
  endBy(side: 'client' | 'upstream', broke: boolean): TunnelEnd {
    const closed =
      this.fromUpstream === null ? !broke : this.fromUpstream.closeSeen || this.fromClient?.closeSeen;
    if (closed) return 'completed';
    return side === 'client' ? 'clientGone' : 'cut';
  }
}
