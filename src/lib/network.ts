/** Outgoing HTTP as a port: no redirects are followed and no proxy is read from the environment. */
export interface HttpRequest {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  /** Bytes of the body that are read at the most; a longer one is cut and `truncated` says so. */
  readonly maxBytes?: number;
  /** A connection of its own, closed afterwards (proof after a flip needs fresh connections). */
  readonly fresh?: boolean;
  /** Connects to this address instead of the URL's host; the Host header stays. */
  readonly connectTo?: { readonly host: string; readonly port: number };
  /** Breaks it off: it rejects with the reason. */
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly truncated: boolean;
  readonly ms: number;
}

/** Rejects with an Error whose `code` is ECONNREFUSED, ECONNRESET, ETIMEDOUT, EPROTO, … */
export interface Network {
  request(request: HttpRequest): Promise<HttpAnswer>;
  /** A TCP connect that is closed at once. */
  connect(address: { host: string; port: number; timeoutMs: number }): Promise<void>;
}
