import type * as z from 'zod';

/**
 * That exactly one of some keys is set, said once for both who check it: this program, and the API server of
 * Kubernetes by a rule in CEL (`x-kubernetes-validations`), which the schemas of the custom resources carry.
 */
export function exactlyOne<S extends z.ZodType>(schema: S, keys: readonly string[], message: string): S {
  const isSet = (value: unknown) =>
    keys.filter((key) => (value as Record<string, unknown>)[key] !== undefined).length === 1;
  // A sum, since the API server counts what a rule may cost, and lists are dear.
  const rule = `${keys.map((key) => `(has(self.${key}) ? 1 : 0)`).join(' + ')} == 1`;
  const before = (schema.meta()?.['x-kubernetes-validations'] ?? []) as readonly unknown[];
  return schema
    .refine(isSet, { message })
    .meta({ 'x-kubernetes-validations': [...before, { rule, message }] }) as S;
}
