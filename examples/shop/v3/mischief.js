// How the shop misbehaves when it is told to by environment variables: what releases must survive.
//
//   START_DELAY_MS=n      listens only after n milliseconds
//   NEVER_READY=1         /healthz answers 503 for ever
//   CRASH_ON_START=1      writes a reason to standard error and exits with 1 before it listens
//   CRASH_AFTER_MS=n      the same, n milliseconds after it listens
//   IGNORE_SIGTERM=1      goes on as if nothing had been said
//   LIE_READY=hang|reset  /healthz answers 200; everything else is never answered, or reset
//   LOG_FLOOD=n           writes n KiB of log lines a second
//   BUGGY_VERSION=v       everything but /healthz answers 500 in version v ("1": in every version)

exports.Mischief = class Mischief {
  #env;
  #version;

  constructor(env, version) {
    this.#env = env;
    this.#version = version;
  }

  /** Starts the application, late or not at all. */
  begin(listen) {
    if (this.#env.CRASH_ON_START) this.#crash('CRASH_ON_START');
    const start = () => {
      listen();
      const crashAfterMs = this.#number('CRASH_AFTER_MS');
      if (crashAfterMs > 0) setTimeout(() => this.#crash('CRASH_AFTER_MS'), crashAfterMs).unref();
      const kibPerSecond = this.#number('LOG_FLOOD');
      if (kibPerSecond > 0) flood(kibPerSecond);
    };
    const delayMs = this.#number('START_DELAY_MS');
    if (delayMs > 0) setTimeout(start, delayMs);
    else start();
  }

  neverReady() {
    return Boolean(this.#env.NEVER_READY);
  }

  ignoresSigterm() {
    return Boolean(this.#env.IGNORE_SIGTERM);
  }

  /** True when the request has been taken care of, badly. */
  spoils(request, response) {
    if (request.url.startsWith('/healthz')) return false;
    if (this.#env.LIE_READY === 'reset') response.socket?.resetAndDestroy();
    if (this.#env.LIE_READY) return true;
    const buggy = this.#env.BUGGY_VERSION;
    if (buggy !== '1' && buggy !== this.#version) return false;
    request.resume();
    response.writeHead(500, { 'content-type': 'text/plain', 'content-length': 4 }).end('bug\n');
    return true;
  }

  spoilsUpgrade(socket) {
    if (this.#env.LIE_READY === 'reset') socket.resetAndDestroy();
    return Boolean(this.#env.LIE_READY);
  }

  #number(name) {
    const number = Number(this.#env[name] ?? 0);
    return Number.isFinite(number) ? number : 0;
  }

  #crash(why) {
    console.error(`Error: shop ${this.#version} crashes because ${why} is set`);
    process.exit(1);
  }
};

function flood(kibPerSecond) {
  const line = `${'flood '.repeat(21)}\n`;
  const lines = Math.max(1, Math.round((kibPerSecond * 1024) / line.length / 20));
  setInterval(() => process.stdout.write(line.repeat(lines)), 50).unref();
}
