import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubernetesClient } from '../../../src/kubernetes/api-client.ts';
import { reflect } from '../../../src/kubernetes/reflector.ts';
import { isSlipwayError } from '../../../src/lib/errors.ts';
import { eventually } from '../../support/eventually.ts';
import {
  CONFIG_MAP,
  type ConfigMap,
  clientOf,
  clock,
  credentials,
  inNamespace,
  log,
  random,
} from '../support/cluster.ts';

/** A cluster of the kit can lose its API server; one of somebody else's is left alone. */
const cluster = process.env.SLIPWAY_TEST_CLUSTER;
const crash = () =>
  execFileSync(
    join(process.env.SLIPWAY_KUBE_KIT ?? '', 'enter'),
    [cluster ?? '', 'crash', 'kube-apiserver'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );

let client: KubernetesClient;
beforeAll(async () => {
  client = clientOf(await credentials());
});
afterAll(() => client.close());

describe.skipIf(cluster === undefined)('a killed API server', () => {
  it('is waited for by what reads, loses no change, and tells a writer that it does not know', () =>
    inNamespace(client, async (namespace) => {
      const ending = new AbortController();
      const told: string[] = [];
      const reflection = reflect<ConfigMap>({
        ...{ client, type: CONFIG_MAP, selection: { namespace }, clock, random, log, signal: ending.signal },
        told: ({ type, object }) => void told.push(`${type} ${object.metadata.name}`),
      });
      await reflection.listed;
      await client.create(CONFIG_MAP, { metadata: { name: 'before', namespace } });
      crash();
      const refused: unknown[] = [];
      await eventually(
        'a write to be taken again',
        async () => {
          try {
            await client.create(CONFIG_MAP, { metadata: { name: 'after', namespace } });
            return true;
          } catch (error) {
            refused.push(error);
            return isSlipwayError(error, 'alreadyExists');
          }
        },
        { timeoutMs: 40_000, intervalMs: 50 },
      );
      expect(
        refused.every(
          (error) =>
            isSlipwayError(error, 'unavailable') ||
            isSlipwayError(error, 'alreadyExists') ||
            isSlipwayError(error, 'forbidden') ||
            isSlipwayError(error, 'internal'),
        ),
      ).toBe(true);
      expect(await client.get(CONFIG_MAP, { namespace, name: 'before' })).toBeDefined();
      await eventually(
        'both to be known',
        () => told.includes('ADDED before') && told.includes('ADDED after'),
        {
          timeoutMs: 40_000,
        },
      );
      expect(told.filter((line) => line === 'ADDED before')).toHaveLength(1);
      ending.abort(new Error('the test is over'));
      await reflection.ended;
    }));
});
