/**
 * What was worked out of stored objects, for as long as they stay as they were. A release is looked at hundreds of
 * times while its application's file does not change once.
 */
export class Remembered {
  readonly #known = new Map<string, { readonly at: string; readonly value: unknown }>();

  /** The value of one name at one version of what it is made of; `work` is asked when that is another. */
  of<T>(name: string, at: string, work: () => T): T {
    const known = this.#known.get(name);
    if (known?.at === at) return known.value as T;
    const value = work();
    this.#known.set(name, { at, value });
    return value;
  }

  /** Nothing is kept of what is there no more. */
  forget(isGone: (name: string) => boolean): void {
    for (const name of this.#known.keys()) if (isGone(name)) this.#known.delete(name);
  }
}
