/** As much of an object as says which one it is. */
export interface Identified {
  readonly metadata: {
    readonly namespace?: string | undefined;
    readonly name: string;
    readonly uid?: string | undefined;
    readonly resourceVersion?: string | undefined;
  };
}

export interface ObjectEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: T;
}

/**
 * What is known of one kind, by name, and who it is by uid: an object that was deleted and made again under its name
 * is another one, also where the deletion itself was never heard of.
 */
export class KnownObjects<T extends Identified> {
  readonly #objects = new Map<string, T>();

  get(key: { readonly namespace?: string | undefined; readonly name: string }): T | undefined {
    return this.#objects.get(keyOf(key));
  }

  values(): readonly T[] {
    return [...this.#objects.values()];
  }

  get size(): number {
    return this.#objects.size;
  }

  /** What a new list says that was not known, as events. Afterwards it is known. */
  replace(items: readonly T[]): ObjectEvent<T>[] {
    const present = new Set(items.map(({ metadata }) => keyOf(metadata)));
    const gone = [...this.#objects].flatMap(([key, object]) =>
      present.has(key) ? [] : this.#forget(key, object),
    );
    return [...gone, ...items.flatMap((object) => this.#take(object))];
  }

  /**
   * One event of a watch, as far as it says more than what was known. Afterwards it is known. Of what was not known
   * (a watch that began without a list) the event's own word counts.
   */
  hear({ type, object }: ObjectEvent<T>): ObjectEvent<T>[] {
    if (type !== 'DELETED') return this.#take(object, type);
    const key = keyOf(object.metadata);
    const known = this.#objects.get(key);
    // The deletion of one whose namesake is known already says nothing new.
    if (known !== undefined && known.metadata.uid !== object.metadata.uid) return [];
    return this.#forget(key, object);
  }

  #take(object: T, type: 'ADDED' | 'MODIFIED' = 'ADDED'): ObjectEvent<T>[] {
    const key = keyOf(object.metadata);
    const before = this.#objects.get(key);
    const same = before?.metadata.uid === object.metadata.uid;
    const asBefore = same && before?.metadata.resourceVersion === object.metadata.resourceVersion;
    // Of one without a uid "the same as nothing" would be true.
    if (before !== undefined && asBefore) return [];
    this.#objects.set(key, object);
    if (before === undefined) return [{ type, object }];
    if (same) return [{ type: 'MODIFIED', object }];
    return [
      { type: 'DELETED', object: before },
      { type: 'ADDED', object },
    ];
  }

  #forget(key: string, object: T): ObjectEvent<T>[] {
    this.#objects.delete(key);
    return [{ type: 'DELETED', object }];
  }
}

const keyOf = ({ namespace, name }: { readonly namespace?: string | undefined; readonly name: string }) =>
  `${namespace ?? ''}/${name}`;
