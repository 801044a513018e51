import { SlipwayError } from '../lib/errors.ts';

/** Deeper than any object here; beyond it a recursive reader may run out of stack. */
export const MAX_JSON_DEPTH = 64;

/** Names through which a merge into an ordinary object would reach its prototype. */
const PROTOTYPE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * JSON as strangers send it: strict UTF-8, bounded depth (checked before parsing), no prototype keys. Throws
 * `badRequest` with words that quote nothing of the body.
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decode(bytes);
  refuseDeep(text);
  try {
    return JSON.parse(text, (key, value: unknown) => {
      if (PROTOTYPE_KEYS.has(key))
        throw new SlipwayError('badRequest', `the field name ${key} is not allowed`);
      return value;
    });
  } catch (error) {
    if (error instanceof SlipwayError) throw error;
    throw new SlipwayError('badRequest', `the body is not JSON${position(text, error)}`);
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new SlipwayError('badRequest', 'the body is not UTF-8');
  }
}

function refuseDeep(text: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (inString) {
      if (character === 0x5c) i++;
      else if (character === 0x22) inString = false;
    } else if (character === 0x22) inString = true;
    else if (character === 0x7b || character === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) {
        throw new SlipwayError('badRequest', `the body is nested deeper than ${MAX_JSON_DEPTH} levels`);
      }
    } else if (character === 0x7d || character === 0x5d) depth--;
  }
}

/** Where V8 stopped, without the text that it quotes: the body may hold a secret. */
function position(text: string, error: unknown): string {
  if (text.length === 0) return ': it is empty';
  const found = /position (\d+)/.exec(error instanceof Error ? error.message : '');
  if (found === null) return '';
  const before = text.slice(0, Number(found[1]));
  const line = before.split('\n').length;
  return ` (line ${line}, column ${before.length - before.lastIndexOf('\n')})`;
}
