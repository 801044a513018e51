import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { messageOf, type Result } from '../lib/errors.ts';

/** Addresses of a host name, as the machine resolves it. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export const systemResolve: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

/**
 * Ranges that lead to one's own machine or network and not to the internet (IANA special-purpose
 * registries, RFC 6890): loopback, private, link-local with the clouds' metadata address, shared, benchmark,
 * documentation, multicast, reserved, unspecified.
 */
const NOT_PUBLIC = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  NOT_PUBLIC.addSubnet(network, bits, 'ipv4');
}

/** Only 2000::/3 is given out for the internet; what is special inside it is taken away again. */
const GLOBAL_V6 = new BlockList();
GLOBAL_V6.addSubnet('2000::', 3, 'ipv6');
const SPECIAL_V6 = new BlockList();
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
] as const) {
  SPECIAL_V6.addSubnet(network, bits, 'ipv6');
}

/** Whether an IP address, in any of its written forms, is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !NOT_PUBLIC.check(address, 'ipv4');
  if (version !== 6 || address.includes('%')) return false;
  const embedded = embeddedV4(address);
  if (embedded !== null) return isPublicAddress(embedded);
  return GLOBAL_V6.check(address, 'ipv6') && !SPECIAL_V6.check(address, 'ipv6');
}

/** IPv4 inside IPv6: mapped ::ffff:0:0/96, compatible ::/96, translated 64:ff9b::/96, 6to4 2002::/16. */
function embeddedV4(address: string): string | null {
  const groups = expand(address);
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const dotted = (high: number, low: number) => [high >> 8, high & 255, low >> 8, low & 255].join('.');
  if (a === 0x2002) return dotted(b, c);
  if (a === 0x64 && b === 0xff9b && c === 0 && d === 0 && e === 0 && f === 0) return dotted(g, h);
  const zeros = a === 0 && b === 0 && c === 0 && d === 0;
  if (zeros && e === 0 && f === 0xffff) return dotted(g, h);
  if (zeros && e === 0xffff && f === 0) return dotted(g, h);
  return null;
}

/** Eight 16-bit groups of a valid IPv6 address. */
function expand(address: string): number[] {
  const lastColon = address.lastIndexOf(':');
  const tail = address.slice(lastColon + 1);
  let text = address;
  if (tail.includes('.')) {
    const [w = 0, x = 0, y = 0, z = 0] = tail.split('.').map(Number);
    text = `${address.slice(0, lastColon + 1)}${((w << 8) | x).toString(16)}:${((y << 8) | z).toString(16)}`;
  }
  const [head = '', rest] = text.split('::');
  const parse = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const front = parse(head);
  if (rest === undefined) return front;
  const back = parse(rest);
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
}

export interface CheckedTarget {
  readonly host: string;
  readonly port: number;
}

/**
 * The address to connect to for a URL. Connecting to what was checked, and to nothing that the name means a
 * moment later, closes DNS rebinding. One address that is not public refuses the name.
 */
export async function checkTarget(
  url: URL,
  resolve: Resolve,
  options: { allowPrivate: boolean },
): Promise<Result<CheckedTarget>> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return { ok: false, error: `${url.protocol}// is not http or https` };
  }
  if (url.username !== '' || url.password !== '') {
    return { ok: false, error: 'a URL with a user name or password is refused' };
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  let addresses: readonly string[];
  try {
    addresses = isIP(host) === 0 ? await resolve(host) : [host];
  } catch (error) {
    return { ok: false, error: `${host} does not resolve: ${messageOf(error)}` };
  }
  const [first] = addresses;
  if (first === undefined) return { ok: false, error: `${host} resolves to nothing` };
  const inside = options.allowPrivate ? undefined : addresses.find((address) => !isPublicAddress(address));
  if (inside !== undefined) {
    return {
      ok: false,
      error: `${host} leads to ${inside}, which is not a public address; set allowPrivate: true where that is meant`,
    };
  }
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { ok: true, value: { host: first, port } };
}
