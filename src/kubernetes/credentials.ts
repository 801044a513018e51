/** How an API server is reached and how it knows who asks. */
export interface Credentials {
  /** `https://10.0.0.1:6443`, perhaps with a path. */
  readonly server: string;
  /** PEM; absent: the system's authorities. */
  readonly ca?: string | undefined;
  /** The name that the server's certificate is checked against, where it is not the address. */
  readonly tlsServerName?: string | undefined;
  /** The certificate is not checked at all, since the file says so. */
  readonly insecure?: boolean | undefined;
  /** Where objects are when nothing else names a namespace. */
  readonly namespace: string;
  readonly identity: IdentitySource;
}

/** What proves who asks. */
export interface Identity {
  readonly token?: string | undefined;
  /** PEM, both or none. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * Identities that are renewed while the process runs: bound service account tokens live for an hour, exec plugins
 * say when theirs end.
 */
export interface IdentitySource {
  /** The one that is valid now. Rejects with `unauthorized` and a reason where there is none. */
  current(): Promise<Identity>;
  /** The server refused it (401): the next `current` asks its origin anew. */
  refused(): void;
}

export const fixedIdentity = (identity: Identity): IdentitySource => ({
  current: async () => identity,
  refused: () => {},
});
