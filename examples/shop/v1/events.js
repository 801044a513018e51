// Server-sent events: numbered from 1 on each stream, so that a client sees a gap, and ended with the final
// chunk when the application stops, so that a client can tell an end from a cut.

exports.EventStreams = class EventStreams {
  #open = new Map();
  #ended = false;

  get size() {
    return this.#open.size;
  }

  /** Starts a stream on this response: one event at once, then one per interval. */
  open(response, intervalMs) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    let number = 0;
    const send = () => {
      // A client that does not read gets no more until it does: events wait, memory does not grow.
      if (response.writableNeedDrain) return;
      number += 1;
      response.write(`id: ${number}\ndata: {"number":${number}}\n\n`);
    };
    send();
    if (this.#ended) {
      response.end();
      return;
    }
    this.#open.set(response, setInterval(send, intervalMs));
    response.once('close', () => this.#forget(response));
  }

  /** Ends every stream properly, and those that come later after their first event. */
  end() {
    this.#ended = true;
    for (const response of [...this.#open.keys()]) {
      this.#forget(response);
      response.end();
    }
  }

  #forget(response) {
    clearInterval(this.#open.get(response));
    this.#open.delete(response);
  }
};
