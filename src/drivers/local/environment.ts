import { dirname } from 'node:path';
import type { WorkloadWish } from '../cluster-driver.ts';

/** Programs that every application may expect: Node as Slipway runs it, and the system's own. */
export const defaultPath = (node: string = process.execPath): string =>
  [dirname(node), '/usr/local/bin', '/usr/bin', '/bin'].join(':');

/** Values of a workload's secret references; a reason where one is not there. */
export type ResolvedVariables =
  | { readonly ok: true; readonly values: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly missing: string };

/** Looks up `env`'s references. Each Secret is asked for once. */
export async function resolveVariables(
  env: WorkloadWish['spec']['env'],
  secret: (name: string) => Promise<Readonly<Record<string, string>> | undefined>,
): Promise<ResolvedVariables> {
  const asked = new Map<string, Readonly<Record<string, string>> | undefined>();
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (typeof value === 'string') {
      values[name] = value;
      continue;
    }
    if (!asked.has(value.secret)) asked.set(value.secret, await secret(value.secret));
    const found = asked.get(value.secret);
    if (found === undefined)
      return { ok: false, missing: `there is no Secret "${value.secret}" (for ${name})` };
    const content = Object.hasOwn(found, value.key) ? found[value.key] : undefined;
    if (content === undefined) {
      return { ok: false, missing: `Secret "${value.secret}" has no key "${value.key}" (for ${name})` };
    }
    values[name] = content;
  }
  return { ok: true, values };
}

/**
 * The whole environment of an instance: nothing of ours is inherited, so neither a token nor a proxy setting
 * of Slipway's own gets there. What Slipway says of the instance cannot be overridden; PATH and HOME can.
 */
export const instanceEnvironment = (options: {
  readonly path: string;
  readonly home: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly port: { readonly env: string; readonly number: number } | null;
  readonly version: string;
  readonly instance: string;
}): Record<string, string> => ({
  PATH: options.path,
  HOME: options.home,
  ...options.variables,
  ...(options.port === null ? {} : { [options.port.env]: String(options.port.number) }),
  SLIPWAY_REVISION: options.version,
  SLIPWAY_INSTANCE: options.instance,
});
