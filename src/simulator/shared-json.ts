import { cloneJson } from '../lib/clone-json.ts';
import type { JsonText } from '../store/document.ts';

/**
 * JSON for the store of one run: each text is parsed once, and what was given out is written and copied no more, since
 * that was most of a run's time. What is given out is frozen: whoever changes what it read fails loudly.
 */
export function sharedJson(): JsonText {
  const values = new Map<string, unknown>();
  const texts = new WeakMap<object, string>();
  const copies = new WeakMap<object, object>();
  return {
    parse: (text) => {
      const known = values.get(text);
      if (known !== undefined) return known;
      const value: unknown = JSON.parse(text);
      values.set(text, value);
      if (typeof value === 'object' && value !== null) texts.set(freeze(value), text);
      return value;
    },
    stringify: (value) =>
      (typeof value === 'object' && value !== null ? texts.get(value) : undefined) ?? JSON.stringify(value),
    copy: (value) => {
      if (typeof value !== 'object' || value === null) return value;
      const copy = copies.get(value) ?? freeze(cloneJson<object>(value));
      copies.set(value, copy);
      return copy as typeof value;
    },
  };
}

function freeze<T extends object>(value: T): T {
  Object.freeze(value);
  for (const item of Object.values(value)) if (typeof item === 'object' && item !== null) freeze(item);
  return value;
}
