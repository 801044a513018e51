import type { ApiObject } from '../api/meta.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { Context } from './context.ts';
import { kindNamed } from './objects.ts';

/** Prints data for scripts with `-o json` or `-o yaml` and answers true; false where text is wanted. */
export async function printData(context: Context, data: unknown): Promise<boolean> {
  if (context.format === 'json') {
    context.print(JSON.stringify(data, null, 2));
    return true;
  }
  if (context.format === 'yaml') {
    const { stringify } = await import('yaml');
    context.print(stringify(data, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd());
    return true;
  }
  return false;
}

/** Of answers that are no objects: a script that asks for their names would get a page for people. */
export function refuseNames({ format }: Pick<Context, 'format'>, verb: string): void {
  if (format !== 'name' && format !== 'wide') return;
  throw new SlipwayError('badRequest', `${verb} has no -o ${format}.`, { next: 'Allowed: json, yaml.' });
}

/** `release/shop-local-r2`: what `-o name` prints, and what scripts read. */
export const qualifiedName = (object: ApiObject): string =>
  `${kindNamed(object.kind).singular}/${object.metadata.name}`;

/** One object in the format that was asked for; false where text is wanted. */
export async function printObject(context: Context, object: ApiObject): Promise<boolean> {
  if (context.format === 'name') {
    context.print(qualifiedName(object));
    return true;
  }
  return await printData(context, object);
}
