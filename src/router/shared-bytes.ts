import type { Socket } from 'node:net';
import { text } from './http/characters.ts';

/**
 * Every upstream socket reads into this one buffer: a read is handled to its end before the next one
 * starts, so nothing allocates per read. What must outlive the call is copied; see writeShared.
 */
export const READ_BUFFER: Buffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Up to this size a copy as text, written in one call together with the head, is the cheapest. */
const AS_TEXT_BYTES = 8 * 1024;
const HEAD_ROOM = 16 * 1024;
const MAX_SPARES = 16;
const spares: Buffer[] = [];

/**
 * Writes `head` and `bytes[from, to)`, which the caller will overwrite, in one system call where it can.
 * A copy is taken into a spare buffer that is free again at once when the kernel took everything, which
 * is nearly always; otherwise the socket keeps it.
 *
 * @returns what Socket.write says: false when the source should pause until 'drain'
 */
export function writeShared(socket: Socket, head: string, bytes: Buffer, from: number, to: number): boolean {
  const length = to - from;
  if (length <= 0) return head === '' || socket.write(head, 'latin1');
  if (length <= AS_TEXT_BYTES) return socket.write(head + text(bytes, from, to), 'latin1');
  if (head.length > HEAD_ROOM) {
    socket.write(head, 'latin1');
    return writeShared(socket, '', bytes, from, to);
  }
  // Behind a queue the copy stays for longer: it gets its own size.
  if (socket.writableLength > 0) {
    if (head !== '') socket.write(head, 'latin1');
    return socket.write(Buffer.from(bytes.subarray(from, to)));
  }
  const copy = spares.pop() ?? Buffer.allocUnsafeSlow(HEAD_ROOM + READ_BUFFER.length);
  const start = head === '' ? 0 : copy.write(head, 0, 'latin1');
  bytes.copy(copy, start, from, to);
  const more = socket.write(copy.subarray(0, start + length));
  if (socket.writableLength === 0 && spares.length < MAX_SPARES) spares.push(copy);
  return more;
}
