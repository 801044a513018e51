import { resolve } from 'node:path';
import * as z from 'zod';
import type { Clock } from '../lib/clock.ts';
import { messageOf, SlipwayError } from '../lib/errors.ts';
import type { CommandOutcome, RunCommand } from '../lib/processes.ts';
import type { Identity, IdentitySource } from './credentials.ts';

/** Asked again so long before what it gave ends, ms; of what lives shorter after half of its life. */
const RENEW_BEFORE_MS = 30_000;
const TIMEOUT_MS = 60_000;

/** `user.exec` of a kubeconfig: a program that prints credentials (client.authentication.k8s.io). */
export const ExecPlugin = z.looseObject({
  apiVersion: z.enum(['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish(),
  installHint: z.string().nullish(),
  interactiveMode: z.enum(['Never', 'IfAvailable', 'Always']).nullish(),
  provideClusterInfo: z.boolean().nullish(),
});
export type ExecPlugin = z.infer<typeof ExecPlugin>;

/** As Go reads it: what is empty is not there. */
const text = z
  .string()
  .nullish()
  .transform((given) => given || undefined);

const ExecCredential = z.looseObject({
  kind: z.literal('ExecCredential'),
  status: z.looseObject({
    token: text,
    clientCertificateData: text,
    clientKeyData: text,
    expirationTimestamp: text,
  }),
});

/**
 * Asks the plugin, and again shortly before what it gave ends or after the server refused it. It cannot be asked
 * anything on a terminal: one that must be (`interactiveMode: Always`) is refused.
 */
export function execPlugin(
  plugin: ExecPlugin,
  options: {
    readonly clock: Clock;
    readonly run: (command: RunCommand) => Promise<CommandOutcome>;
    readonly environment: Readonly<Record<string, string>>;
    /** Of the kubeconfig: a command with a slash in it is looked for from there, and one without in the path. */
    readonly directory: string;
  },
): IdentitySource {
  let known: { identity: Identity; usedUntil: number } | undefined;
  let asking: Promise<Identity> | undefined;
  const ask = async (): Promise<Identity> => {
    const status = await credentialOf(plugin, options);
    const livesMs = Date.parse(status.expirationTimestamp ?? '') - options.clock.now();
    const usedMs = Math.max(livesMs - RENEW_BEFORE_MS, livesMs / 2);
    const identity: Identity = {
      token: status.token,
      certificate: status.clientCertificateData,
      key: status.clientKeyData,
    };
    known = {
      identity,
      usedUntil: Number.isNaN(usedMs) ? Number.POSITIVE_INFINITY : options.clock.now() + usedMs,
    };
    return identity;
  };
  return {
    current() {
      if (known !== undefined && options.clock.now() < known.usedUntil)
        return Promise.resolve(known.identity);
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    refused() {
      known = undefined;
    },
  };
}

async function credentialOf(plugin: ExecPlugin, options: Parameters<typeof execPlugin>[1]) {
  const cannot = (why: string, cause?: unknown) =>
    new SlipwayError('unauthorized', `${plugin.command} of the kubeconfig gave no credentials: ${why}`, {
      next: plugin.installHint ?? `run ${[plugin.command, ...(plugin.args ?? [])].join(' ')} by hand`,
      cause,
    });
  if (plugin.interactiveMode === 'Always') throw cannot('it wants a terminal (interactiveMode: Always)');
  if (plugin.provideClusterInfo === true)
    throw cannot('it wants to be told of the cluster (provideClusterInfo), which is not spoken here');
  const info = {
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false },
  };
  const command = plugin.command.includes('/') ? resolve(options.directory, plugin.command) : plugin.command;
  let outcome: CommandOutcome;
  try {
    outcome = await options.run({
      argv: [command, ...(plugin.args ?? [])],
      env: {
        ...options.environment,
        ...Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value])),
        KUBERNETES_EXEC_INFO: JSON.stringify(info),
      },
      timeoutMs: TIMEOUT_MS,
    });
  } catch (cause) {
    throw cannot(messageOf(cause), cause);
  }
  if (outcome.timedOut) throw cannot(`it did not end within ${TIMEOUT_MS / 1_000} s`);
  if (outcome.exitCode !== 0) {
    const how = outcome.exitCode === null ? `by ${outcome.signal}` : `with code ${outcome.exitCode}`;
    throw cannot(`it ended ${how}: ${outcome.stderr.trim().slice(0, 500)}`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(outcome.stdout);
  } catch (cause) {
    throw cannot('what it printed is not JSON', cause);
  }
  const read = ExecCredential.safeParse(answer);
  if (!read.success) throw cannot('what it printed is no ExecCredential with a status', read.error);
  const { token, clientCertificateData, clientKeyData } = read.data.status;
  if ((clientCertificateData === undefined) !== (clientKeyData === undefined))
    throw cannot('it gave a certificate and its key one without the other');
  if (token === undefined && clientCertificateData === undefined)
    throw cannot('it gave neither a token nor a certificate with its key');
  return read.data.status;
}
