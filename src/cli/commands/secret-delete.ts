import type { Secret } from '../../api/environment.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { useLines, usesOf } from './secret-uses-text.ts';

export interface DeleteOptions {
  readonly force?: boolean | undefined;
  readonly why?: string | undefined;
}

/**
 * `slipway secret delete`: refused while something is started with it, since that would come up neither after a
 * crash nor in a rollback. A person may insist, with a reason that stands in the audit.
 */
export async function deleteSecret(
  context: Context,
  name: string,
  key: string | undefined,
  { force, why }: DeleteOptions,
): Promise<ExitCode> {
  const { api } = await context.connect();
  const secret = await api.get<Secret>('Secret', name);
  if (key !== undefined && secret.status?.keys?.[key] === undefined) {
    throw new SlipwayError('notFound', `Secret ${name} has no value ${key}.`, {
      next: 'slipway secret list',
    });
  }
  const what = key === undefined ? `secret ${name} with all its values` : `value ${key} of secret ${name}`;
  const uses = usesOf(await api.secretUses(name), key);
  if (uses.length > 0) refuseUsed(what, { name, key }, useLines(uses), { force, why });
  await confirm(
    context,
    uses.length === 0
      ? [`This deletes ${what}. No application uses it.`]
      : [`This deletes ${what}: instances that start later will not come up, in:`, ...useLines(uses)],
  );
  const forced = uses.length > 0 && why !== undefined ? { force: why } : {};
  if (key === undefined) await api.delete('Secret', name, { uid: secret.metadata.uid, ...forced });
  else await api.patch('Secret', name, { spec: { data: { [key]: null } } }, forced);
  context.print(`${context.paint.good('✓')} Deleted ${what}.`);
  return EXIT.ok;
}

/** The manager refuses the same; here nobody is asked before. */
function refuseUsed(
  what: string,
  { name, key }: { readonly name: string; readonly key: string | undefined },
  lines: readonly string[],
  { force, why }: DeleteOptions,
): void {
  if (force === true && why !== undefined && why.trim() !== '') return;
  const command = `slipway secret delete ${name}${key === undefined ? '' : ` ${key}`} --force --why REASON`;
  throw new SlipwayError(
    'refused',
    force === true
      ? `What is in use goes only with a reason: ${what}.`
      : `${what[0]?.toUpperCase()}${what.slice(1)} is in use; nothing was deleted:`,
    {
      details: lines.map((line) => ({ message: line.trimStart() })),
      next: force === true ? command : `Take it out of the application and release that, or: ${command}`,
    },
  );
}
