/**
 * Whether a file says that the application is not in this environment (`environments.NAME.absent: true`). It has to
 * be said: leaving an environment out of the file means no override, and an application may well stand in an
 * environment that its file does not name.
 */
export function isAbsent(written: unknown, environment: string): boolean {
  const { environments } = (written ?? {}) as { environments?: Readonly<Record<string, unknown>> };
  const override = environments?.[environment] as { absent?: unknown } | null | undefined;
  return override?.absent === true;
}
