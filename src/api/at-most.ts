import type * as z from 'zod';

/** A map of at most so many keys; said to the API server of Kubernetes too (`maxProperties`), which counts what rules cost. */
export const atMost = <S extends z.ZodRecord>(schema: S, count: number, what: string): S =>
  schema
    .refine((value) => Object.keys(value as object).length <= count, { message: `at most ${count} ${what}` })
    .meta({ maxProperties: count }) as S;
