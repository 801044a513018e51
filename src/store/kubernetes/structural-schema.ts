/** Part of a JSON schema. */
export type Schema = Readonly<Record<string, unknown>>;

/** Kept as it is, whatever it holds. */
const ANYTHING: Schema = { 'x-kubernetes-preserve-unknown-fields': true };
/** Formats that the API server knows (k8s.io/kube-openapi, strfmt); it warns of others. */
const FORMATS: ReadonlySet<unknown> = new Set([
  'date-time',
  'uri',
  'uuid',
  'ipv4',
  'ipv6',
  'int32',
  'int64',
  'byte',
]);
/** What says something about a value of one type, in both dialects alike. */
const KEPT = [
  ...[
    'type',
    'enum',
    'pattern',
    'minLength',
    'maxLength',
    'minItems',
    'maxItems',
    'maxProperties',
    'nullable',
  ],
  ...['description', 'x-kubernetes-validations'],
] as const;

/**
 * A schema as a custom resource takes it: structural
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
 * It says no more than the schema that it is made from, and leaves to the program what it cannot say:
 *
 * - a number or text (`30%`) is `int-or-string`; other alternatives are kept as they are;
 * - objects that may have more keys keep them, the others lose keys that nobody knows, which kubectl warns of;
 * - no defaults: what a person wrote stays what is stored.
 */
export function structural(schema: Schema): Schema {
  const alternatives = (schema.anyOf ?? schema.oneOf ?? schema.allOf) as readonly Schema[] | undefined;
  if (alternatives !== undefined) return ofAlternatives(schema, alternatives);
  if (schema.type === undefined) return ANYTHING;
  const kept = Object.fromEntries(
    KEPT.flatMap((key) => (schema[key] === undefined ? [] : [[key, schema[key]]])),
  );
  const format = FORMATS.has(schema.format) ? { format: schema.format } : {};
  return { ...kept, ...format, ...bounds(schema), ...contents(schema) };
}

function ofAlternatives(schema: Schema, alternatives: readonly Schema[]): Schema {
  const nullable = schema.nullable === true || alternatives.some((each) => each.nullable === true);
  const types = new Set(alternatives.map(({ type }) => type));
  const isCount = types.size === 2 && types.has('integer') && types.has('string');
  const one = isCount ? { 'x-kubernetes-int-or-string': true } : ANYTHING;
  const rules = schema['x-kubernetes-validations'];
  return {
    ...one,
    ...(nullable ? { nullable } : {}),
    ...(rules === undefined ? {} : { 'x-kubernetes-validations': rules }),
  };
}

/** JavaScript's own limits say nothing about a number. */
function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): Schema {
  const says = (bound: unknown) => typeof bound === 'number' && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  return {
    ...(says(minimum) ? { minimum } : {}),
    ...(says(maximum) ? { maximum } : {}),
    ...(typeof exclusiveMinimum === 'boolean' ? { exclusiveMinimum } : {}),
    ...(typeof exclusiveMaximum === 'boolean' ? { exclusiveMaximum } : {}),
  };
}

function contents({ type, items, properties, required, additionalProperties }: Schema): Schema {
  if (type === 'array') return { items: structural((items ?? {}) as Schema) };
  if (type !== 'object') return {};
  const known = Object.entries((properties ?? {}) as Record<string, Schema>);
  if (known.length === 0) {
    if (additionalProperties === undefined || additionalProperties === false) return {};
    const values = structural((additionalProperties === true ? {} : additionalProperties) as Schema);
    return { additionalProperties: values };
  }
  return {
    properties: Object.fromEntries(known.map(([name, value]) => [name, structural(value)])),
    ...(Array.isArray(required) && required.length > 0 ? { required } : {}),
    ...(additionalProperties === undefined || additionalProperties === false ? {} : ANYTHING),
  };
}
