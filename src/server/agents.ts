import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Environment } from '../api/environment.ts';
import { SlipwayError } from '../lib/errors.ts';
import { publicError, toStatus } from '../lib/status.ts';
import { contentAnswer, digestOf } from './artifacts.ts';
import type { ServerDependencies } from './dependencies.ts';
import { requireObject } from './resource-reads.ts';
import type { Answer, Call, Route } from './route.ts';
import { openSealed } from './secrets.ts';
import type { Identity } from './tokens.ts';

/** What agents reach: artifacts, values of secrets, and the connection over which they get orders. */
export function agentRoutes(deps: ServerDependencies): Route[] {
  return [
    {
      method: 'GET',
      url: '/agent/v1/artifacts/:digest',
      verb: 'get',
      resource: 'agent/artifacts',
      stream: true,
      summary: 'Fetch content by digest',
      handle: (call) => contentAnswer(digestOf(call), deps),
    },
    {
      method: 'GET',
      url: '/agent/v1/secrets/:namespace/:name',
      verb: 'open',
      resource: 'agent/secrets',
      kind: 'Secret',
      summary: 'Read the values of a Secret, for the instances that use it',
      handle: (call) => openSecret(call, deps),
    },
  ];
}

async function openSecret(call: Call, deps: ServerDependencies): Promise<Answer> {
  const stored = await requireObject({ kind: 'Secret', plural: 'secrets', singular: 'secret' }, call, deps);
  await refuseForeignNamespace(call, deps);
  return { json: { data: openSealed(stored, deps.secrets) } };
}

/** An agent reads the secrets of namespaces that release to its cluster, and of no others. */
async function refuseForeignNamespace(call: Call, deps: ServerDependencies): Promise<void> {
  const { cluster, name } = call.identity;
  if (cluster === undefined) return;
  const { items } = await deps.store.list<Environment>('Environment', { namespace: call.namespace });
  const released = items.some(({ spec }) => (spec.clusters ?? ['local']).includes(cluster));
  if (!released) {
    throw new SlipwayError(
      'forbidden',
      `${name} may not open secrets of namespace ${call.namespace}: no environment of it is on cluster ${cluster}`,
    );
  }
}

/** Largest frame of the protocol: a report with its bounded status stays far below. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;
export const CONNECT_PATH = '/agent/v1/connect';

/**
 * The upgrade to a WebSocket. `admit` authenticates and authorises as for any other request; a browser (it
 * sends Origin) is always refused, so that no page can ride on somebody's credentials.
 */
export function agentUpgrade(
  deps: ServerDependencies,
  admit: (request: IncomingMessage) => Promise<Identity>,
) {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
  });
  const open = new Map<import('ws').WebSocket, Identity>();
  const onUpgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    socket.on('error', () => socket.destroy());
    try {
      const [path] = (request.url ?? '').split('?');
      if (path !== CONNECT_PATH) throw new SlipwayError('notFound', `only ${CONNECT_PATH} is a WebSocket`);
      const identity = await admit(request);
      if (request.headers.origin !== undefined)
        throw new SlipwayError('forbidden', 'no browser connects here');
      sockets.handleUpgrade(request, socket, head, (connection) => {
        open.set(connection, identity);
        connection.on('close', () => open.delete(connection));
        deps.gateway.attach(connection, identity);
      });
    } catch (error) {
      refuse(socket, publicError(error), deps.version);
    }
  };
  return {
    onUpgrade,
    /** Cuts the connections of a token that was revoked. */
    revoke: (name: string) => {
      for (const [connection, identity] of open)
        if (identity.name === name) connection.close(1008, 'token revoked');
    },
    stop: () => {
      for (const connection of open.keys()) connection.close(1001, 'the manager stops');
      sockets.close();
    },
  };
}

function refuse(socket: Duplex, error: SlipwayError, version: string): void {
  const status = toStatus(error);
  const body = `${JSON.stringify(status)}\n`;
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason ?? 'Error'}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `slipway-version: ${version}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
