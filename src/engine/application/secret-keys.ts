/** What of a workload says which secrets it is started with; of an application and of a revision alike. */
interface Started {
  readonly env: Readonly<Record<string, string | { readonly secret: string; readonly key: string }>>;
}

/** Keys of one secret that these workloads are started with, in order. */
export function secretKeys(workloads: readonly Started[], secret: string): string[] {
  const keys = workloads.flatMap(({ env }) =>
    Object.values(env).flatMap((value) =>
      typeof value !== 'string' && value.secret === secret ? [value.key] : [],
    ),
  );
  return [...new Set(keys)].sort();
}
