import { dirname, resolve } from 'node:path';
import { parse, type YAMLError } from 'yaml';
import type * as z from 'zod';
import type { Clock } from '../lib/clock.ts';
import { messageOf, SlipwayError } from '../lib/errors.ts';
import type { CommandOutcome, RunCommand } from '../lib/processes.ts';
import { findProblems } from '../lib/validation.ts';
import { type Credentials, fixedIdentity, type IdentitySource } from './credentials.ts';
import { execPlugin } from './exec-plugin.ts';
import { Cluster, Context, Kubeconfig, User } from './kubeconfig-schema.ts';
import { tokenFile } from './token-file.ts';

type Parsed = { file: string; config: Kubeconfig };

export interface KubeconfigPorts {
  readonly clock: Clock;
  readFile(path: string): Promise<string>;
  run(command: RunCommand): Promise<CommandOutcome>;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * What kubectl would use: of several files the first that names something counts, and one that is not there is left
 * out (https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/). Rejects with `invalid`
 * and the file's name for what cannot be read, and for what is not spoken here. Errors repeat no values: they may be
 * secrets.
 *
 * @param files in their order, as the variable KUBECONFIG has them
 */
export async function loadKubeconfig(
  files: readonly string[],
  ports: KubeconfigPorts,
  wanted?: string,
): Promise<Credentials> {
  const parsed = await readAll(files, ports);
  const name = wanted ?? parsed.map(({ config }) => config['current-context']).find((one) => one);
  if (name === undefined)
    throw invalid(files, 'it names no current-context', 'kubectl config use-context NAME');
  const context = pick(parsed, 'context', name, Context);
  if (context === undefined)
    throw invalid(files, `there is no context ${name}`, 'kubectl config get-contexts');
  const { cluster: clusterName, user: userName, namespace = 'default' } = context.value;
  if (clusterName === undefined) throw invalid([context.file], `context ${name} names no cluster`);
  const cluster = pick(parsed, 'cluster', clusterName, Cluster);
  if (cluster === undefined)
    throw invalid(files, `context ${name} names cluster ${clusterName}, which is not there`);
  const user = userName === undefined ? undefined : pick(parsed, 'user', userName, User);
  if (user === undefined && userName !== undefined)
    throw invalid(files, `context ${name} names user ${userName}, which is not there`);
  const { file, value: at } = cluster;
  if (at['proxy-url'] !== undefined)
    throw invalid([file], 'proxy-url is not spoken here: name an address that is reached directly');
  return {
    server: at.server,
    ca: await content(file, ports, at['certificate-authority-data'], at['certificate-authority']),
    tlsServerName: at['tls-server-name'],
    insecure: at['insecure-skip-tls-verify'] === true,
    namespace,
    identity: user === undefined ? fixedIdentity({}) : await identityOf(user, ports),
  };
}

async function identityOf(
  { file, name, value: user }: { readonly file: string; readonly name: string; readonly value: User },
  ports: KubeconfigPorts,
): Promise<IdentitySource> {
  const directory = dirname(resolve(file));
  if (user.exec) {
    const { clock, run, environment } = ports;
    return execPlugin(user.exec, { clock, run, environment, directory });
  }
  if (user['auth-provider'] || user.username !== undefined)
    throw invalid(
      [file],
      'auth-provider and passwords ended with Kubernetes 1.26 and 1.19: use an exec plugin, a token or a certificate',
    );
  const certificate = await content(file, ports, user['client-certificate-data'], user['client-certificate']);
  const key = await content(file, ports, user['client-key-data'], user['client-key']);
  if ((certificate === undefined) !== (key === undefined))
    throw invalid([file], `user ${name}: a certificate needs its key and a key its certificate`);
  if (user.tokenFile === undefined) return fixedIdentity({ token: user.token, certificate, key });
  const source = tokenFile(resolve(directory, user.tokenFile), ports, user.token);
  return {
    current: async () => ({ ...(await source.current()), certificate, key }),
    refused: () => source.refused(),
  };
}

async function readAll(files: readonly string[], ports: KubeconfigPorts): Promise<Parsed[]> {
  const read = async (file: string): Promise<Parsed[]> => {
    let text: string;
    try {
      text = await ports.readFile(file);
    } catch (cause) {
      if (files.length > 1 && (cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw invalid([file], `it cannot be read: ${messageOf(cause)}`, undefined, cause);
    }
    return [{ file, config: checked(Kubeconfig, yamlOf(file, text), file) }];
  };
  const parsed = (await Promise.all(files.map(read))).flat();
  if (parsed.length === 0) throw invalid(files, 'none of them is there');
  return parsed;
}

function yamlOf(file: string, text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100, logLevel: 'error' }) ?? {};
  } catch (error) {
    // The parser's own words repeat the line, which may be a token's.
    const [at] = (error as Partial<YAMLError>).linePos ?? [];
    throw invalid([file], `it is no YAML${at === undefined ? '' : `, at line ${at.line}, column ${at.col}`}`);
  }
}

function pick<T extends z.ZodType>(
  parsed: readonly Parsed[],
  kind: 'cluster' | 'user' | 'context',
  name: string,
  schema: T,
): { readonly file: string; readonly name: string; readonly value: z.infer<T> } | undefined {
  for (const { file, config } of parsed) {
    const found = config[`${kind}s`]?.find((each) => each.name === name);
    if (found === undefined) continue;
    return { file, name, value: checked(schema, found[kind] ?? {}, file, `${kind} ${name}: `) };
  }
  return undefined;
}

function checked<T extends z.ZodType>(schema: T, value: unknown, file: string, where = ''): z.infer<T> {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const [problem] = findProblems(schema, value, { quote: false });
  const path = problem?.path ? `${problem.path}: ` : '';
  throw invalid([file], `${where}${path}${problem?.message}`);
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
