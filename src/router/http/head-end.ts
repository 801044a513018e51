import { CR, LF } from './characters.ts';

/** No head yet: more bytes are needed. */
export const INCOMPLETE = -1;
/** A line that ends without CR LF: no byte that follows can make this a head. */
export const BROKEN = -2;

/**
 * Index after the empty line that ends a head in `bytes[from, to)`, INCOMPLETE or BROKEN.
 *
 * The usual case is one native search. Only when that finds nothing are the line ends looked at, so that
 * a peer that ends its lines with LF alone is refused at once instead of at the head timeout. Bytes from
 * `to` on may be left over from an earlier read and are never part of the answer.
 *
 * @param searched bytes before this index were searched already (the last three are looked at again)
 */
export function findHeadEnd(bytes: Buffer, from: number, to: number, searched: number): number {
  const end = bytes.indexOf('\r\n\r\n', Math.max(from, searched - 3), 'latin1');
  if (end !== -1 && end + 4 <= to) return end + 4;
  return hasBareLineEnd(bytes, from, to, Math.max(from, searched)) ? BROKEN : INCOMPLETE;
}

function hasBareLineEnd(bytes: Buffer, from: number, to: number, searched: number): boolean {
  for (let at = bytes.indexOf(LF, searched); at !== -1 && at < to; at = bytes.indexOf(LF, at + 1)) {
    if (at === from || bytes[at - 1] !== CR) return true;
  }
  return false;
}
