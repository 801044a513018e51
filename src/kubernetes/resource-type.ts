/** One kind of the Kubernetes API as its paths name it. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

export interface ResourceKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** What every object of the API has; the rest is the kind's own. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
}

/** `apps/v1`, or `v1` for the core group. */
export const apiVersionOf = ({ group, version }: Pick<ResourceType, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`;

/** Words for a place: `deployments.apps shop/web`. */
export function describeResource({ group, plural }: ResourceType, key?: Partial<ResourceKey>): string {
  const place = [key?.namespace, key?.name].filter((part) => part !== undefined).join('/');
  return `${plural}${group === '' ? '' : `.${group}`}${place === '' ? '' : ` ${place}`}`;
}

/**
 * The path of a collection or of one object. A namespaced kind without a namespace is the collection of all
 * namespaces, which can be listed and watched alone.
 */
export function resourcePath(
  type: ResourceType,
  { namespace, name, subresource }: Partial<ResourceKey> & { subresource?: string | undefined } = {},
): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const parts = [
    ...(type.namespaced && namespace !== undefined ? ['namespaces', namespace] : []),
    type.plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return `${root}/${parts.map(encodeURIComponent).join('/')}`;
}
