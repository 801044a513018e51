import type { Readable } from 'node:stream';
import { httpClient } from '../server/http-client.ts';

/** What the agent fetches from its manager beside its orders: content of artifacts, values of secrets. */
export interface ManagerReads {
  artifact(digest: string): Promise<Readable>;
  secret(namespace: string, name: string): Promise<Readonly<Record<string, string>>>;
}

const SECRET_MS = 10_000;

/** Over the manager's API, with the agent's token. Rejects with the SlipwayErrors that the manager answers. */
export function managerReads(options: {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
  readonly version: string;
}): ManagerReads {
  const { url, ca, token, version } = options;
  const client = httpClient({ server: url, ca, token, version, userAgent: 'slipway-agent' });
  return {
    artifact: (digest) => client.open({ method: 'GET', path: `/agent/v1/artifacts/${digest}`, stream: true }),
    secret: async (namespace, name) => {
      const path = `/agent/v1/secrets/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
      const { body } = await client.json<{ data: Record<string, string> }>({
        method: 'GET',
        path,
        timeoutMs: SECRET_MS,
      });
      return body.data;
    },
  };
}
