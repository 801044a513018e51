import net from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { SlipwayError } from '../lib/errors.ts';
import type { Address } from './settings.ts';

/**
 * A TCP address that is bound but not listened on by this process. Whoever gets the descriptor calls
 * `server.listen({ fd })`; when that process dies, the socket stays open here, and connections wait in the
 * kernel's backlog for its successor. A net.Server would accept them itself, `cluster` closes its handle with
 * its last worker, and SO_REUSEPORT loses what is queued on a dead socket.
 */
export interface BoundSocket {
  readonly fd: number;
  readonly address: Address;
}

/** Node's own way to bind for its cluster module; it has no public name. */
interface ServerHandle {
  readonly fd: number;
  getsockname(out: { port?: number }): number;
  close(): void;
}
type CreateServerHandle = (
  address: string,
  port: number,
  addressType: 4 | 6,
  fd: number,
) => ServerHandle | number;

/** Handles must stay reachable: a collected one closes its descriptor. */
const held: ServerHandle[] = [];

/** Refuses as `bind` would, and leaves the address free. */
export function refuseUsed(wanted: Address, flag: string): void {
  create(wanted, flag).handle.close();
}

/** Refuses with words for people when the address cannot be had. */
export function bind(wanted: Address, flag: string): BoundSocket {
  const { handle, port } = create(wanted, flag);
  held.push(handle);
  return { fd: handle.fd, address: { host: wanted.host, port: port ?? wanted.port } };
}

function create(wanted: Address, flag: string): { handle: ServerHandle; port: number | undefined } {
  const createHandle = (net as unknown as { _createServerHandle: CreateServerHandle })._createServerHandle;
  const handle = createHandle(wanted.host, wanted.port, net.isIPv6(wanted.host) ? 6 : 4, -1);
  if (typeof handle === 'number') throw cannotBind(wanted, flag, handle);
  const name: { port?: number } = {};
  // libuv keeps EADDRINUSE back at bind and says it at the next call.
  const late = handle.getsockname(name);
  if (late !== 0) {
    handle.close();
    throw cannotBind(wanted, flag, late);
  }
  return { handle, port: name.port };
}

/** What a libuv error number (negative) of a bind or a listen means to a person. */
export function cannotBind(wanted: Address, flag: string, number: number): SlipwayError {
  const [code, words] = getSystemErrorMap().get(number) ?? ['UNKNOWN', `error ${number}`];
  const at = `${wanted.host}:${wanted.port}`;
  const causes: Record<string, [what: string, next: string]> = {
    EADDRINUSE: [
      `Port ${wanted.port} of ${wanted.host} is in use by another program.`,
      `slipway up ${flag} PORT   (0 takes a free one; "ss -ltnp sport = :${wanted.port}" says who has it)`,
    ],
    EACCES: [
      `Port ${wanted.port} is below 1024 and needs a capability that this user lacks.`,
      `slipway up --install   (its systemd unit has CAP_NET_BIND_SERVICE), or slipway up ${flag} 8480`,
    ],
    EADDRNOTAVAIL: [
      `This machine has no address ${wanted.host}.`,
      `slipway up ${flag} 127.0.0.1:${wanted.port}`,
    ],
  };
  const [what, next] = causes[code] ?? [`Cannot listen on ${at}: ${words}.`, `slipway up ${flag} HOST:PORT`];
  return new SlipwayError('unavailable', what, { next });
}
