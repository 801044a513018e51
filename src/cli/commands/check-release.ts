import { SlipwayError } from '../../lib/errors.ts';
import type { PlanPreview } from '../../server/dependencies.ts';
import type { Connection } from '../context.ts';
import { cleanLine } from '../terminal/clean.ts';

/**
 * Whether the manager would begin this release, asked by its plan before anything is written: with automatic
 * releases the change itself begins one, whatever is refused afterwards. The manager checks all of it once more
 * when it claims the release.
 */
export async function checkRelease(
  { api, namespace, environment }: Connection,
  { name, spec }: { readonly name: string; readonly spec?: unknown },
  plan: string | undefined,
): Promise<PlanPreview> {
  const preview = await api.plan(
    name,
    { environment, ...(spec === undefined ? {} : { spec }) },
    { namespace },
  );
  if (preview.refusals.length > 0) {
    throw new SlipwayError('refused', `${name} cannot be released to ${environment}; nothing was changed.`, {
      details: preview.refusals.map(({ path, message }) => ({
        ...(path === undefined ? {} : { path: cleanLine(path) }),
        message: cleanLine(message),
      })),
    });
  }
  if (plan !== undefined) refuseOtherPlan(preview, plan, `${name} -e ${environment}`);
  return preview;
}

function refuseOtherPlan({ plan: { hash } }: PlanPreview, asked: string, what: string): void {
  const digits = (text: string): string => text.replace(/^sha256:/, '');
  if (digits(hash).startsWith(digits(asked))) return;
  throw new SlipwayError(
    'refused',
    `The plan is ${hash.slice(0, 6)} and not ${asked}: something changed since it was approved. Nothing was released or changed.`,
    { next: `slipway plan ${what}` },
  );
}
