import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { Application } from '../src/api/application.ts';
import type { StrategyName } from '../src/api/strategy.ts';
import { type PinOptions, pinArtifact, pinSpec } from '../src/cli/manifest/artifacts.ts';
import { pack } from '../src/cli/manifest/pack.ts';
import type { ApiClient } from '../src/server/api-client.ts';

/** The example shop, released as `slipway apply` and `slipway release` do it. */
export const SHOP = { name: 'shop', host: 'shop.localhost', service: 'default/shop/local/shop' } as const;
export const EXAMPLE = fileURLToPath(new URL('../examples/shop/', import.meta.url));

const options = (api: ApiClient): PinOptions => ({ api, pack, directory: EXAMPLE, upload: true });

/** `slipway apply -f examples/shop/app.yaml`. */
export async function applyShop(api: ApiClient, overrides: { replicas?: number } = {}): Promise<void> {
  const file = parse(readFileSync(`${EXAMPLE}app.yaml`, 'utf8')) as Application;
  const { spec } = await pinSpec(SHOP.name, file.spec, options(api));
  await api.create({ ...file, spec: { ...spec, workload: { ...spec.workload, ...overrides } } });
}

/** Of a merge patch: the strategy that was set before must go. */
const NO_STRATEGY = { rolling: null, custom: null, blueGreen: null, scaled: null, canary: null };
/** Nobody is there to press on: no pauses. */
export const SCALED = { scaled: { pause: [] } };
export const BLUE_GREEN = { blueGreen: { pause: [] } };

/**
 * `slipway release shop --artifact VERSION`, by this strategy. With
 * `env` it is another revision even where the artifact is one that was released before.
 */
export async function releaseShop(
  api: ApiClient,
  version: 'v1' | 'v2' | 'v3',
  strategy: Partial<Record<StrategyName, object>>,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { artifact } = await pinArtifact(SHOP.name, version, options(api));
  const spec = {
    workload: { artifact, env },
    strategy: { ...NO_STRATEGY, ...strategy },
  };
  await api.patch('Application', SHOP.name, { spec });
}

/** `slipway rollback shop`. */
export async function rollBackShop(api: ApiClient): Promise<void> {
  await api.command({ kind: 'Application', name: SHOP.name }, 'rollback', {
    environment: 'local',
    why: 'the demo goes back to the warm revision',
  });
}
