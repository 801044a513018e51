import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { webSocketDial } from '../../../src/agent/connection.ts';
import { type LinkEvents, MAX_FRAME_BYTES, socketLink } from '../../../src/execution/link.ts';
import {
  type LinkEnd,
  type LinksUnderTest,
  linkConformance,
} from '../../../src/execution/link-conformance.ts';
import { eventually } from '../../support/eventually.ts';
import { VERSION } from '../../support/execution-orders.ts';

const listener = (heard: string[]): LinkEvents => ({
  frame: (text) => heard.push(text),
  closed: (reason) => heard.push(`closed: ${reason}`),
});

/** Real WebSockets over loopback, as agent and gateway open them. */
async function withLinks(run: (links: LinksUnderTest) => Promise<void>): Promise<void> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: MAX_FRAME_BYTES });
  await once(server, 'listening');
  const dialTo = (port: number) =>
    webSocketDial({ managerUrl: `http://127.0.0.1:${port}`, token: 'test', version: VERSION });
  const { port } = server.address() as AddressInfo;
  const accepted: LinkEnd[] = [];
  const end = () => {
    // What the kernel does for a process that was killed: no close frame, only the end of the connection.
    for (const socket of server.clients) socket.terminate();
    server.close();
  };
  server.on('connection', (socket: WebSocket) => {
    const heard: string[] = [];
    accepted.push({ link: socketLink(socket, listener(heard)), heard });
  });
  try {
    await run({
      open: async () => {
        const heard: string[] = [];
        const link = await dialTo(port)(listener(heard), AbortSignal.timeout(10_000));
        const manager = await eventually('the server has it', () => accepted.shift());
        return { agent: { link, heard }, manager };
      },
      // Port 1 of loopback: nobody listens there without root.
      dialNobody: (signal) => dialTo(1)(listener([]), signal),
      killManager: async () => end(),
      until: async (what, look) => {
        await eventually(what, look);
      },
    });
  } finally {
    end();
  }
}

/** The simulator's network runs the same cases: src/simulator/link-network.test.ts. */
describe('a link over a WebSocket', () => {
  it.each(linkConformance)('$name', ({ run }) => withLinks(run));
});
