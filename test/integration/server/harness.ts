import { createHash } from 'node:crypto';
import { Agent, request as tlsRequest } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import type { ArtifactStore } from '../../../src/artifacts/artifact-store.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { SlipwayError } from '../../../src/lib/errors.ts';
import { createLog } from '../../../src/lib/log.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { type ApiClient, createApiClient } from '../../../src/server/api-client.ts';
import { memoryAudit } from '../../../src/server/audit.ts';
import type { Role } from '../../../src/server/authorize.ts';
import { type Certificates, ensureCertificates } from '../../../src/server/certificates.ts';
import type { PlanPreview, SecretSealer, ServerLimits } from '../../../src/server/dependencies.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../../src/server/server.ts';
import { openTokens, type TokenStore } from '../../../src/server/tokens.ts';
import { type MemoryStore, memoryStore } from '../../../src/store/memory/memory-store.ts';

/** A real HTTPS server over the memory store, with a token for every role. */
export interface Harness {
  readonly server: RunningServer;
  readonly store: MemoryStore;
  readonly tokens: TokenStore;
  readonly certificates: Certificates;
  readonly audit: ReturnType<typeof memoryAudit>;
  readonly logLines: string[];
  readonly client: (role: Role) => ApiClient;
  readonly tokenOf: (role: Role) => string;
  /** One request as it stands, without the client's manners. */
  readonly raw: (request: RawRequest) => Promise<RawAnswer>;
  readonly attached: string[];
  readonly artifacts: ReturnType<typeof memoryArtifacts>;
  /** A server after the first was stopped, on the same store. */
  restart(port: number): Promise<ApiClient>;
  stop(): Promise<void>;
}

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  /** Role, or the text of a token; null sends none. */
  readonly as?: Role | null;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape.
  readonly json: any;
}

const ALL_ROLES: readonly Role[] = ['admin', 'releaser', 'developer', 'viewer', 'agent', 'system'];

export async function startHarness(
  options: { limits?: Partial<ServerLimits>; overrides?: Partial<ServerOptions> } = {},
): Promise<Harness> {
  const clock = systemClock();
  const random = systemRandom();
  const files = memoryFiles();
  const store = memoryStore({ clock, random });
  const certificates = await ensureCertificates({ directory: '/keys', names: [], files, clock, random });
  const tokens = await openTokens({ file: '/keys/tokens.json', files, clock, random });
  const texts = new Map<Role, string>();
  for (const role of ALL_ROLES)
    texts.set(role, (await tokens.create({ name: `a-${role}`, roles: [role] })).token);
  const audit = memoryAudit();
  const logLines: string[] = [];
  const log = createLog({ process: 'manager', level: 'debug', write: (line) => logLines.push(line) });
  const attached: string[] = [];
  const artifacts = memoryArtifacts();
  const start = (port: number) =>
    startServer({
      store,
      tokens,
      audit,
      artifacts,
      secrets: reversingSealer,
      gateway: {
        attach: (socket, identity) => {
          attached.push(identity.name);
          socket.on('message', (data) => socket.send(data.toString()));
        },
        call: async function* (cluster, method, params) {
          if (cluster !== 'local')
            throw new SlipwayError('unavailable', `cluster ${cluster} is not connected`);
          if (method === 'logs' && params.instance === 'breaks') {
            yield { instance: 'breaks', line: 'the last one' };
            throw new SlipwayError('unavailable', 'the agent left');
          }
          if (method === 'logs')
            yield* [1, 2].map((n) => ({ instance: 'i1', line: `line ${n} of ${params.application}` }));
          else
            yield [
              { key: { environment: 'local' }, ready: 1 },
              { key: { environment: 'other' }, ready: 2 },
            ];
        },
        clusters: () => [{ name: 'local', connected: true }],
        standings: () => [
          ...['shop', 'left-over'].map((application) => ({
            ...{ namespace: 'default', application, environment: 'local', services: [] },
            workloads: [{ workload: 'web', version: 'web-r1', wanted: 1, ready: 1, problem: null }],
          })),
        ],
      },
      planner: {
        plan: async (request) =>
          ({
            release: `${request.application}-${request.environment}-r1`,
            refusals: [],
          }) as unknown as PlanPreview,
      },
      clock,
      random,
      log,
      version: '0.1.0-test',
      tls: certificates,
      listen: { host: '127.0.0.1', port },
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...options.overrides,
    });
  let server = await start(0);
  const clients: ApiClient[] = [];
  const tokenOf = (role: Role) => texts.get(role) ?? '';
  const clientOf = (role: Role) => {
    const client = createApiClient({
      server: server.url,
      ca: certificates.ca,
      token: tokenOf(role),
      version: '0.1.0-test',
    });
    clients.push(client);
    return client;
  };
  return {
    get server() {
      return server;
    },
    store,
    tokens,
    certificates,
    audit,
    logLines,
    attached,
    artifacts,
    tokenOf,
    client: clientOf,
    raw: (request) => rawRequest(server, certificates, tokenOf, request),
    async restart(port) {
      server = await start(port);
      return clientOf('admin');
    },
    async stop() {
      for (const client of clients) client.close();
      await server.stop();
      await store.close();
    },
  };
}

/** Connections are kept: a handshake for each endpoint and role would be most of the time. */
const connections = new Agent({ keepAlive: true, maxSockets: 8 });

function rawRequest(
  server: RunningServer,
  certificates: Certificates,
  tokenOf: (role: Role) => string,
  { method = 'GET', path, as = 'admin', token, headers = {}, body }: RawRequest,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const bearer = token ?? (as === null ? undefined : tokenOf(as));
    const request = tlsRequest({
      host: '127.0.0.1',
      port: server.port,
      ca: certificates.ca,
      method,
      path,
      agent: connections,
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
        ...headers,
      },
    });
    request.once('error', reject);
    request.once('response', async (response) => {
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: asJson(text) });
      } catch (error) {
        reject(error);
      }
    });
    request.end(body);
  });
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const API = '/apis/slipway.dev/v1alpha1';
export const IN_DEFAULT = `${API}/namespaces/default`;

export const application = (name: string, more: object = {}) => ({
  apiVersion: 'slipway.dev/v1alpha1',
  kind: 'Application',
  metadata: { name },
  spec: { workload: { command: ['node', 'server.js'], port: {}, readiness: { tcp: {} }, ...more } },
});

export const secret = (name: string, data: Record<string, string>) => ({
  apiVersion: 'slipway.dev/v1alpha1',
  kind: 'Secret',
  metadata: { name },
  spec: { data },
});

/** Waits until it is true, with a deadline that fails the test. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`never came true: ${what}`);
    await pause(5);
  }
}

export function memoryFiles() {
  const contents = new Map<string, Buffer>();
  const modes = new Map<string, number | undefined>();
  return {
    contents,
    modes,
    read: async (path: string) => contents.get(path),
    writeAtomic: async (path: string, data: string | Uint8Array, options?: { mode?: number }) => {
      contents.set(path, Buffer.from(data as string));
      modes.set(path, options?.mode);
    },
    makeDirectory: async () => {},
  };
}

function memoryArtifacts(): ArtifactStore & { readonly contents: Map<string, Buffer> } {
  const contents = new Map<string, Buffer>();
  return {
    contents,
    async put(content, { maxBytes, expectedDigest }) {
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of content) {
        size += chunk.length;
        if (size > maxBytes) throw new SlipwayError('tooLarge', `larger than ${maxBytes} bytes`);
        chunks.push(chunk);
      }
      const bytes = Buffer.concat(chunks);
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      if (expectedDigest !== undefined && expectedDigest !== digest) {
        throw new SlipwayError('invalid', `the content has the digest ${digest}, not ${expectedDigest}`);
      }
      const existed = contents.has(digest);
      contents.set(digest, bytes);
      return { digest, size, existed };
    },
    async open(digest) {
      const bytes = contents.get(digest);
      if (bytes === undefined) return undefined;
      return {
        size: bytes.length,
        content: (async function* () {
          yield bytes as Uint8Array;
        })(),
      };
    },
    has: async (digest) => contents.has(digest),
    list: async () => [],
    remove: async (digest) => void contents.delete(digest),
  };
}

/** Stands in for encryption where only "not in the clear" matters. */
const reversingSealer: SecretSealer = {
  seal: (data) => Buffer.from(JSON.stringify(data)).toString('hex').split('').reverse().join(''),
  open: (sealed) =>
    JSON.parse(Buffer.from(String(sealed).split('').reverse().join(''), 'hex').toString()) as Record<
      string,
      string
    >,
  digests: (data) =>
    Object.fromEntries(
      Object.entries(data).map(([name, value]) => [
        name,
        createHash('sha256').update(`salt${value}`).digest('hex').slice(0, 8),
      ]),
    ),
};
