import * as z from 'zod';
import type { Clock } from '../lib/clock.ts';
import { messageOf, SlipwayError } from '../lib/errors.ts';
import type { CommandOutcome, RunCommand } from '../lib/processes.ts';
import type { Identity, IdentitySource } from './credentials.ts';

/** Used again at the latest so long before it ends, ms. */
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
});
export type ExecPlugin = z.infer<typeof ExecPlugin>;

const ExecCredential = z.looseObject({
  kind: z.literal('ExecCredential'),
  status: z.looseObject({
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
    expirationTimestamp: z.string().optional(),
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
    /** Of the kubeconfig: a command with a slash in it is looked for from there. */
    readonly directory: string;
  },
): IdentitySource {
  let known: { identity: Identity; endsAt: number } | undefined;
  let asking: Promise<Identity> | undefined;
  const ask = async (): Promise<Identity> => {
    const status = await credentialOf(plugin, options);
    const endsAt = Date.parse(status.expirationTimestamp ?? '');
    const identity: Identity = {
      token: status.token,
      certificate: status.clientCertificateData,
      key: status.clientKeyData,
    };
    known = {
      identity,
      endsAt: Number.isNaN(endsAt) ? Number.POSITIVE_INFINITY : endsAt - RENEW_BEFORE_MS,
    };
    return identity;
  };
  return {
    current() {
      if (known !== undefined && options.clock.now() < known.endsAt) return Promise.resolve(known.identity);
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
  const info = {
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false },
  };
  let outcome: CommandOutcome;
  try {
    outcome = await options.run({
      argv: [plugin.command, ...(plugin.args ?? [])],
      cwd: options.directory,
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
  if (outcome.exitCode !== 0)
    throw cannot(`it ended with code ${outcome.exitCode}: ${outcome.stderr.trim().slice(0, 500)}`);
  let answer: unknown;
  try {
    answer = JSON.parse(outcome.stdout);
  } catch (cause) {
    throw cannot('what it printed is not JSON', cause);
  }
  const read = ExecCredential.safeParse(answer);
  if (!read.success) throw cannot('what it printed is no ExecCredential with a status', read.error);
  const { token, clientCertificateData, clientKeyData } = read.data.status;
  if (token === undefined && (clientCertificateData === undefined || clientKeyData === undefined))
    throw cannot('it gave neither a token nor a certificate with its key');
  return read.data.status;
}
