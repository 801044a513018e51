import type { ApplicationSpecInput } from '../../api/application.ts';
import { isObject } from '../../lib/merge-patch.ts';

/** What a workload runs: one of the two. */
export type Content = { readonly artifact: string } | { readonly image: string };

type Written = Record<string, unknown>;

export interface Where {
  /** Name of the workload where there are several by name; undefined for `spec.workload`. */
  readonly workload: string | undefined;
  readonly environment: string;
}

/**
 * Where new content is written. Only the environment that was named moves: where others would move with it by
 * themselves, or where it has content of its own already, the content stands in its override. Without a name it
 * stands in the base, for every environment that has none of its own.
 */
export function writesOverride(
  spec: ApplicationSpecInput,
  where: Where,
  { named, environments }: { readonly named: boolean; readonly environments: readonly string[] },
): boolean {
  if (!named) return false;
  const others = environments.filter((each) => each !== where.environment);
  return ownContent(spec, where) || (spec.release !== 'manual' && others.length > 0);
}

/** Whether the environment has an artifact or image of its own, which the base does not change. */
export const ownContent = (spec: ApplicationSpecInput, where: Where): boolean =>
  Object.keys(contentOf(overrideOf(spec, where))).length > 0;

/** The spec with this content; the argument stays as it is. */
export function withContent(
  before: ApplicationSpecInput,
  where: Where,
  content: Content,
  override: boolean,
): ApplicationSpecInput {
  const spec = structuredClone(before);
  const base = baseOf(spec, where);
  if (!override) {
    without(base);
    Object.assign(base, content);
    // The default environment follows the base again; one that was named keeps what is its own.
    const own = overrideOf(spec, where);
    if (own !== undefined) without(own);
    return spec;
  }
  // The override is a merge patch over the base: what the base has of the other kind goes by null.
  const hidden = Object.fromEntries(
    Object.keys(contentOf(base))
      .filter((key) => !(key in content))
      .map((key) => [key, null]),
  );
  const own = { ...overrideOf(spec, where) };
  without(own);
  const at = { ...own, ...hidden, ...content };
  const environment = spec.environments?.[where.environment] ?? {};
  const changed =
    where.workload === undefined
      ? { ...environment, workload: at }
      : { ...environment, workloads: { ...environment.workloads, [where.workload]: at } };
  return { ...spec, environments: { ...spec.environments, [where.environment]: changed } };
}

/** All that a change of content reads or writes: somebody else's change of it is a conflict, of the rest none. */
export const touched = (spec: ApplicationSpecInput, where: Where): unknown => [
  contentOf(baseOf(spec, where)),
  contentOf(overrideOf(spec, where)),
];

/** Where the content stands in the file, for people. */
export const pathOf = ({ workload, environment }: Where, override: boolean): string =>
  `spec.${override ? `environments.${environment}.` : ''}${workload === undefined ? 'workload' : `workloads.${workload}`}`;

function baseOf({ workload, workloads }: ApplicationSpecInput, where: Where): Written {
  const at: unknown = where.workload === undefined ? workload : workloads?.[where.workload];
  return isObject(at) ? at : {};
}

function overrideOf(spec: ApplicationSpecInput, { workload, environment }: Where): Written | undefined {
  const at = spec.environments?.[environment];
  const own: unknown = workload === undefined ? at?.workload : at?.workloads?.[workload];
  return isObject(own) ? own : undefined;
}

const contentOf = (at: Written = {}): Written =>
  Object.fromEntries(Object.entries(at).filter(([key]) => key === 'artifact' || key === 'image'));

function without(at: Written): void {
  delete at.artifact;
  delete at.image;
}
