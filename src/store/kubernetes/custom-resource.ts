import * as z from 'zod';
import type { KindDefinition } from '../../api/kinds.ts';
import { API_GROUP, API_VERSION } from '../../api/meta.ts';
import { printerColumns } from './printer-columns.ts';
import { type Schema, structural } from './structural-schema.ts';

/** A rule in CEL that the API server checks (https://kubernetes.io/docs/reference/using-api/cel/). */
interface Rule {
  readonly rule: string;
  readonly message: string;
}

/** Kinds whose place is a file or the embedded store: on Kubernetes a Secret is Kubernetes' own. */
const EMBEDDED_ALONE = new Set(['Secret']);

export const isCustomResource = ({ kind }: KindDefinition): boolean => !EMBEDDED_ALONE.has(kind);

/** The CustomResourceDefinition of one kind, from the one schema that the program checks with. */
export function customResource(definition: KindDefinition): Schema {
  const { kind, plural, singular, shortNames, namespaced, schema } = definition;
  const json = z.toJSONSchema(schema, {
    ...{ target: 'openapi-3.0', io: 'input', reused: 'inline', unrepresentable: 'any' },
  }) as { readonly properties: Readonly<Record<string, Schema>> };
  const { spec = {}, status = {} } = json.properties;
  const [, version = ''] = API_VERSION.split('/');
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${API_GROUP}` },
    spec: {
      group: API_GROUP,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      names: { kind, plural, singular, shortNames, categories: ['slipway'], listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: printerColumns(kind),
          schema: {
            openAPIV3Schema: {
              type: 'object',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: withRules(structural(spec), specRules(definition)),
                // A newer program may have put something there that this one has to leave in place.
                status: { ...structural(status), 'x-kubernetes-preserve-unknown-fields': true },
              },
            },
          },
        },
      ],
    },
  };
}

function specRules({ kind, immutable }: KindDefinition): readonly Rule[] {
  return [
    ...(immutable
      ? [{ rule: 'self == oldSelf', message: `the spec of a ${kind} is not changed once it is made` }]
      : []),
    ...(kind === 'Application'
      ? [
          {
            rule: '!has(self.workload) || !has(self.workloads)',
            message: 'workload is the short form of workloads: only one of them',
          },
        ]
      : []),
  ];
}

function withRules(schema: Schema, rules: readonly Rule[]): Schema {
  const own = (schema['x-kubernetes-validations'] ?? []) as readonly Rule[];
  const all = [...own, ...rules];
  return all.length === 0 ? schema : { ...schema, 'x-kubernetes-validations': all };
}
