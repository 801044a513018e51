import { SlipwayError } from '../lib/errors.ts';

/** `a=b,c==d` as labels that must all hold. Sets and inequality are refused, never ignored. */
export function parseLabelSelector(text: string | undefined): Record<string, string> | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const labels: Record<string, string> = {};
  for (const part of text.split(',')) {
    const found = /^\s*([A-Za-z0-9][\w./-]*)\s*==?\s*([\w.-]*)\s*$/.exec(part);
    const [, name, value] = found ?? [];
    if (name === undefined || value === undefined) {
      throw new SlipwayError('badRequest', `labelSelector: ${JSON.stringify(part)} is not understood`, {
        next: 'allowed: name=value, several joined by ","',
      });
    }
    labels[name] = value;
  }
  return labels;
}

/** `metadata.name=NAME` as the name (what `kubectl get KIND NAME -w` asks); others are refused. */
export function parseFieldSelector(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const found = /^\s*metadata\.name\s*==?\s*([a-z0-9][-a-z0-9.]*)\s*$/.exec(text);
  if (found?.[1] !== undefined) return found[1];
  throw new SlipwayError('badRequest', 'fieldSelector: only metadata.name=NAME is understood');
}

/** A whole number of a query; undefined where it is absent. */
export function parseCount(text: string | undefined, what: string, most: number): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value <= most) return value;
  throw new SlipwayError('badRequest', `${what}: a whole number up to ${most} is allowed`);
}

export const isTrue = (text: string | undefined): boolean => text === '1' || text === 'true';

/** A resourceVersion as the store writes them: a decimal. `0` and absence both mean "any". */
export function parseSince(text: string | undefined): string | undefined {
  if (text === undefined || text === '' || text === '0') return undefined;
  if (/^\d{1,15}$/.test(text)) return text;
  throw new SlipwayError('badRequest', 'resourceVersion: a decimal number is allowed');
}
