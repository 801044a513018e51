/** Which objects of a kind; absent parts select all. */
export interface Selection {
  readonly namespace?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Equality on what the kind can be selected by: `metadata.name` always. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
}

/** As the query of a list or a watch. */
export function selectors({ labels, fields }: Selection): Record<string, string | undefined> {
  const text = (of: Readonly<Record<string, string>> | undefined) =>
    of === undefined
      ? undefined
      : Object.entries(of)
          .map(([name, value]) => `${name}=${value}`)
          .join(',');
  return { labelSelector: text(labels), fieldSelector: text(fields) };
}
