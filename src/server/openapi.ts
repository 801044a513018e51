import * as z from 'zod';
import { Receipt } from '../api/execution.ts';
import { openApiDocument } from './openapi-document.ts';
import { allRoutes } from './routes.ts';

/** The text of docs/generated/openapi.json. */
export function generateOpenApi(): string {
  // Handlers are made with their dependencies and never called here; only the declarations are read.
  const routes = allRoutes(undefined as never, undefined as never);
  return `${JSON.stringify(openApiDocument(routes), null, 2)}\n`;
}

/** The text of docs/generated/receipt.schema.json: what `slipway receipt NAME -o json` prints. */
export function receiptJsonSchema(): string {
  const schema = z.toJSONSchema(Receipt, { target: 'draft-2020-12', io: 'output', unrepresentable: 'any' });
  const { $schema, ...rest } = schema;
  const named = {
    $schema,
    $id: 'https://slipway.dev/schemas/v1alpha1/receipt.json',
    title: 'Receipt',
    ...rest,
  };
  return `${JSON.stringify(named, null, 2)}\n`;
}
