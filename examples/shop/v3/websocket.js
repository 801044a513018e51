// A WebSocket echo (RFC 6455) in as much code as an echo needs. Frames are echoed one by one with their
// opcode and FIN bit, which keeps fragmented messages valid without collecting them.

const { createHash } = require('node:crypto');

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const MAX_PAYLOAD = 1024 * 1024;
const CLOSE_WAIT_MS = 2_000;
const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

exports.WebSockets = class WebSockets {
  #open = new Set();
  #away = false;
  #version;

  constructor(version) {
    this.#version = version;
  }

  get size() {
    return this.#open.size;
  }

  /** Answers the handshake and echoes until one side closes. */
  accept(request, socket, head) {
    const key = request.headers['sec-websocket-key'];
    if (key === undefined || request.headers['sec-websocket-version'] !== '13') {
      socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const accept = createHash('sha1')
      .update(key + GUID)
      .digest('base64');
    socket.setNoDelay(true);
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n' +
        `sec-websocket-accept: ${accept}\r\napp-version: ${this.#version}\r\n\r\n`,
    );
    const connection = new EchoConnection(socket);
    this.#open.add(connection);
    socket.once('close', () => this.#open.delete(connection));
    if (this.#away) connection.close(1001, 'going away');
    if (head.length > 0) connection.receive(head);
  }

  /** Tells every peer that the server goes away (1001), and closes when they have answered; late ones too. */
  goAway() {
    this.#away = true;
    for (const connection of this.#open) connection.close(1001, 'going away');
  }
};

class EchoConnection {
  #socket;
  #pending = Buffer.alloc(0);
  #closeSent = false;

  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.receive(bytes));
    socket.on('end', () => socket.end());
    socket.on('drain', () => socket.resume());
    // A peer that vanishes is its own affair: the socket's close removes the connection.
    socket.on('error', () => socket.destroy());
  }

  receive(bytes) {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) this.#handle(frame);
  }

  close(code, reason) {
    if (this.#closeSent) return;
    this.#closeSent = true;
    const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
    payload.writeUInt16BE(code);
    payload.write(reason, 2);
    this.#send(OPCODE.close, true, payload);
    setTimeout(() => this.#socket.destroy(), CLOSE_WAIT_MS).unref();
  }

  #handle({ opcode, fin, payload }) {
    if (opcode === OPCODE.close) {
      if (!this.#closeSent) this.#send(OPCODE.close, true, payload.subarray(0, 2));
      this.#closeSent = true;
      this.#socket.end();
    } else if (this.#closeSent || opcode === OPCODE.pong) {
      // After our close frame nothing but the peer's close matters (section 5.5.1).
    } else if (opcode === OPCODE.ping) this.#send(OPCODE.pong, true, payload);
    else if (opcode <= OPCODE.binary) this.#send(opcode, fin, payload);
    else this.#fail(1002, 'unknown opcode');
  }

  /** The next whole frame, unmasked, or undefined when more bytes are needed or the peer broke the rules. */
  #next() {
    const bytes = this.#pending;
    if (bytes.length < 2) return undefined;
    const opcode = bytes[0] & 0x0f;
    let length = bytes[1] & 0x7f;
    let at = 2;
    if (length === 126) {
      if (bytes.length < 4) return undefined;
      length = bytes.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (bytes.length < 10) return undefined;
      length = Number(bytes.readBigUInt64BE(2));
      at = 10;
    }
    if ((bytes[0] & 0x70) !== 0) return this.#fail(1002, 'reserved bits');
    if ((bytes[1] & 0x80) === 0) return this.#fail(1002, 'frame without mask');
    if (length > MAX_PAYLOAD) return this.#fail(1009, 'frame too large');
    if (bytes.length < at + 4 + length) return undefined;
    const mask = bytes.subarray(at, at + 4);
    const payload = Buffer.from(bytes.subarray(at + 4, at + 4 + length));
    for (let i = 0; i < length; i += 1) payload[i] ^= mask[i & 3];
    this.#pending = bytes.subarray(at + 4 + length);
    return { opcode, fin: (bytes[0] & 0x80) !== 0, payload };
  }

  #fail(code, reason) {
    this.#pending = Buffer.alloc(0);
    this.close(code, reason);
    this.#socket.end();
    return undefined;
  }

  #send(opcode, fin, payload) {
    const length = payload.length;
    let head;
    if (length < 126) head = Buffer.from([0, length]);
    else if (length < 65_536) head = Buffer.from([0, 126, length >> 8, length & 0xff]);
    else {
      head = Buffer.alloc(10);
      head[1] = 127;
      head.writeBigUInt64BE(BigInt(length), 2);
    }
    head[0] = (fin ? 0x80 : 0) | opcode;
    // Stop reading from a peer that does not read its echoes.
    if (!this.#socket.write(Buffer.concat([head, payload]))) this.#socket.pause();
  }
}
