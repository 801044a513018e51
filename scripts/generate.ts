/** `npm run generate`: files that are made from the schemas. `npm run check` fails when one is stale. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stringify } from 'yaml';
import { KINDS } from '../src/api/kinds.ts';
import { generateOpenApi, receiptJsonSchema } from '../src/server/openapi.ts';
import { customResource, isCustomResource } from '../src/store/kubernetes/custom-resource.ts';

const GENERATED: readonly { readonly file: string; readonly make: () => string }[] = [
  { file: 'docs/generated/openapi.json', make: () => `${generateOpenApi().trim()}\n` },
  { file: 'docs/generated/receipt.schema.json', make: () => `${receiptJsonSchema().trim()}\n` },
  ...KINDS.filter(isCustomResource).map((kind) => ({
    file: `deploy/crds/${kind.plural}.yaml`,
    make: () => stringify(customResource(kind), { aliasDuplicateObjects: false, lineWidth: 0 }),
  })),
];

/** Null when all are as they would be made now; else which are not. */
export async function checkGenerated(): Promise<string | null> {
  const stale: string[] = [];
  for (const { file, make } of GENERATED) {
    const present = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (present !== make()) stale.push(present === null ? `${file} is missing` : `${file} is stale`);
  }
  return stale.length === 0 ? null : stale.join('\n');
}

if (import.meta.main) {
  for (const { file, make } of GENERATED) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, make());
    console.log(`made ${file}`);
  }
}
