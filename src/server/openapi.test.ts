import { describe, expect, it } from 'vitest';
import { KINDS } from '../api/kinds.ts';
import { generateOpenApi, receiptJsonSchema } from './openapi.ts';

describe('generateOpenApi', () => {
  const document = JSON.parse(generateOpenApi());

  it('has every kind, with its list', () => {
    const names = Object.keys(document.components.schemas);
    expect(names).toEqual(
      expect.arrayContaining([...KINDS.flatMap(({ kind }) => [kind, `${kind}List`]), 'Status']),
    );
    const { spec } = document.components.schemas.Application.properties;
    expect(spec.properties.workload).toEqual({ allOf: [{ $ref: '#/components/schemas/Workload' }] });
  });

  it('has every path with unique operations, and refers to nothing that is not there', () => {
    expect(
      Object.keys(document.paths['/apis/slipway.dev/v1alpha1/namespaces/{namespace}/applications/{name}']),
    ).toEqual(['get', 'put', 'patch', 'delete']);
    const ids = Object.values(
      document.paths as Record<string, Record<string, { operationId: string }>>,
    ).flatMap((path) => Object.values(path).map((operation) => operation.operationId));
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, name] of JSON.stringify(document).matchAll(
      /"\$ref":"(?:#\/components\/schemas\/)?([^"]+)"/g,
    )) {
      expect(document.components.schemas[name ?? '']).toBeDefined();
    }
  });

  it('is the same each time', () => {
    expect(generateOpenApi()).toBe(generateOpenApi());
  });
});

describe('receiptJsonSchema', () => {
  it('describes what a receipt always has', () => {
    const schema = JSON.parse(receiptJsonSchema());
    expect(schema.title).toBe('Receipt');
    expect(schema.properties.spec.required).toEqual(
      expect.arrayContaining(['requests', 'flips', 'drains', 'gates', 'plan']),
    );
  });
});
