import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import type { Clock } from '../lib/clock.ts';
import { messageOf, SlipwayError } from '../lib/errors.ts';
import type { CommandOutcome, RunCommand } from '../lib/processes.ts';
import { type Credentials, fixedIdentity, type IdentitySource } from './credentials.ts';
import { ExecPlugin, execPlugin } from './exec-plugin.ts';
import { tokenFile } from './token-file.ts';

const named = <T extends z.ZodType>(key: string, value: T) =>
  z.array(z.looseObject({ name: z.string(), [key]: value })).nullish();

const Cluster = z.looseObject({
  server: z.url({ protocol: /^https?$/ }),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.base64().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
  'proxy-url': z.string().optional(),
});
const User = z.looseObject({
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.base64().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.base64().optional(),
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  exec: ExecPlugin.optional(),
  username: z.string().optional(),
  'auth-provider': z.unknown().optional(),
});
const Context = z.looseObject({ cluster: z.string(), user: z.string(), namespace: z.string().optional() });
const Config = z.looseObject({
  'current-context': z.string().optional(),
  clusters: named('cluster', Cluster),
  users: named('user', User),
  contexts: named('context', Context),
});
type Parsed = { file: string; config: z.infer<typeof Config> };

export interface KubeconfigPorts {
  readonly clock: Clock;
  readFile(path: string): Promise<string>;
  run(command: RunCommand): Promise<CommandOutcome>;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * What kubectl would use: of several files the first that names something counts
 * (https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/). Rejects with `invalid`
 * and the file's name for what cannot be read, and for what is not spoken here.
 *
 * @param files in their order, as the variable KUBECONFIG has them
 */
export async function loadKubeconfig(
  files: readonly string[],
  ports: KubeconfigPorts,
  wanted?: string,
): Promise<Credentials> {
  const parsed = await Promise.all(files.map((file) => readConfig(file, ports)));
  const name = wanted ?? parsed.map(({ config }) => config['current-context']).find((one) => one);
  if (name === undefined)
    throw invalid(files, 'it names no current-context', 'kubectl config use-context NAME');
  const context = pick(parsed, 'contexts', 'context', name);
  if (context === undefined)
    throw invalid(files, `there is no context ${name}`, 'kubectl config get-contexts');
  const { cluster: clusterName, user: userName, namespace } = context.value as z.infer<typeof Context>;
  const cluster = pick(parsed, 'clusters', 'cluster', clusterName);
  if (cluster === undefined)
    throw invalid(files, `context ${name} names cluster ${clusterName}, which is not there`);
  const user = pick(parsed, 'users', 'user', userName);
  if (user === undefined && userName !== '')
    throw invalid(files, `context ${name} names user ${userName}, which is not there`);
  const at = cluster.value as z.infer<typeof Cluster>;
  if (at['proxy-url'] !== undefined)
    throw invalid([cluster.file], 'proxy-url is not spoken here: name an address that is reached directly');
  return {
    server: at.server,
    ca: await content(cluster.file, ports, at['certificate-authority-data'], at['certificate-authority']),
    tlsServerName: at['tls-server-name'],
    insecure: at['insecure-skip-tls-verify'] === true,
    namespace: namespace ?? 'default',
    identity:
      user === undefined
        ? fixedIdentity({})
        : await identityOf(user.file, user.value as z.infer<typeof User>, ports),
  };
}

async function identityOf(
  file: string,
  user: z.infer<typeof User>,
  ports: KubeconfigPorts,
): Promise<IdentitySource> {
  if (user.exec !== undefined)
    return execPlugin(user.exec, {
      ...{ clock: ports.clock, run: ports.run, environment: ports.environment },
      directory: dirname(resolve(file)),
    });
  if (user['auth-provider'] !== undefined || user.username !== undefined)
    throw invalid(
      [file],
      'auth-provider and passwords ended with Kubernetes 1.26 and 1.19: use an exec plugin, a token or a certificate',
    );
  if (user.token === undefined && user.tokenFile !== undefined)
    return tokenFile(resolve(dirname(file), user.tokenFile), ports);
  return fixedIdentity({
    token: user.token,
    certificate: await content(file, ports, user['client-certificate-data'], user['client-certificate']),
    key: await content(file, ports, user['client-key-data'], user['client-key']),
  });
}

async function readConfig(file: string, ports: KubeconfigPorts): Promise<Parsed> {
  let text: string;
  try {
    text = await ports.readFile(file);
  } catch (cause) {
    throw invalid([file], `it cannot be read: ${messageOf(cause)}`, undefined, cause);
  }
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 100 });
  } catch (cause) {
    throw invalid([file], `it is no YAML: ${messageOf(cause)}`, undefined, cause);
  }
  const read = Config.safeParse(value ?? {});
  if (read.success) return { file, config: read.data };
  const [issue] = read.error.issues;
  throw invalid([file], `${issue?.path.join('.')}: ${issue?.message}`);
}

function pick(parsed: readonly Parsed[], list: 'clusters' | 'users' | 'contexts', key: string, name: string) {
  for (const { file, config } of parsed) {
    const found = config[list]?.find((each) => each.name === name);
    if (found !== undefined) return { file, value: found[key] };
  }
  return undefined;
}

/** Data in the file itself counts before the file that it names, relative to its own. */
async function content(
  file: string,
  ports: KubeconfigPorts,
  data: string | undefined,
  path: string | undefined,
): Promise<string | undefined> {
  if (data !== undefined) return Buffer.from(data, 'base64').toString();
  if (path === undefined) return undefined;
  try {
    return await ports.readFile(resolve(dirname(file), path));
  } catch (cause) {
    throw invalid([file], `${path}, which it names, cannot be read: ${messageOf(cause)}`, undefined, cause);
  }
}

const invalid = (files: readonly string[], why: string, next?: string, cause?: unknown): SlipwayError =>
  new SlipwayError('invalid', `the kubeconfig ${files.join(', ')} cannot be used: ${why}`, { next, cause });
