import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { KINDS, kindOf } from '../../src/api/kinds.ts';
import { API_VERSION } from '../../src/api/meta.ts';
import type { KubernetesClient } from '../../src/kubernetes/api-client.ts';
import type { KubernetesObject, ResourceType } from '../../src/kubernetes/resource-type.ts';
import { customResource, isCustomResource } from '../../src/store/kubernetes/custom-resource.ts';
import { eventually } from '../support/eventually.ts';
import { VirtualRelease, virtualSpec } from '../support/virtual-release.ts';
import { clientOf, credentials, inNamespace, kubectl } from './support/cluster.ts';

const CRD: ResourceType = {
  ...{ group: 'apiextensions.k8s.io', version: 'v1', kind: 'CustomResourceDefinition' },
  ...{ plural: 'customresourcedefinitions', namespaced: false },
};
const typeOf = (kind: string): ResourceType => {
  const { plural, namespaced } = kindOf(kind);
  const [group = '', version = ''] = API_VERSION.split('/');
  return { group, version, kind, plural, namespaced };
};
const APPLICATION = typeOf('Application');
type Any = KubernetesObject & { readonly spec?: unknown; readonly status?: unknown };

let client: KubernetesClient;
beforeAll(async () => {
  client = clientOf(await credentials());
  const made = KINDS.filter(isCustomResource).map(customResource) as unknown as KubernetesObject[];
  await Promise.all(made.map((one) => client.apply(CRD, one, { force: true })));
  await eventually('the kinds to be served', async () => {
    await Promise.all(KINDS.filter(isCustomResource).map(({ kind }) => client.list(typeOf(kind))));
    return true;
  });
});
afterAll(() => client.close());

const applied = (spec: unknown) => (namespace: string) =>
  client.create<Any>(APPLICATION, { metadata: { name: 'shop', namespace }, spec } as Any, { dryRun: true });
const workload = { command: ['node', 'server.js'], port: {}, readiness: { http: { path: '/' } } };

describe('custom resources', () => {
  it.each(['examples/web-server/app.yaml', 'examples/shop/app.yaml'])('%s is an Application', (file) =>
    inNamespace(client, async (namespace) => {
      const { spec } = parse(readFileSync(file, 'utf8'));
      const made = await client.create<Any>(APPLICATION, { metadata: { name: 'a', namespace }, spec } as Any);
      // Nothing is filled in and nothing lost: what a person wrote is what is stored.
      expect(made.spec).toEqual(spec);
    }),
  );

  it.each<[string, unknown, RegExp]>([
    [
      'a number where a map belongs',
      { workload: { ...workload, port: 8080 } },
      /spec\.workload\.port.*object/,
    ],
    ['no command', { workload: { port: {} } }, /spec\.workload\.command: Required/],
    [
      'two kinds of readiness',
      { workload: { ...workload, readiness: { http: { path: '/' }, tcp: {} } } },
      /exactly one of http, tcp or command/,
    ],
    ['two strategies', { workload, strategy: { rolling: {}, canary: {} } }, /exactly one of rolling, custom/],
    [
      'a gate of no kind',
      { workload, gates: [{ name: 'a', before: 1 }] },
      /exactly one of http, command, approval or soak/,
    ],
    [
      'a gate before and after',
      { workload, gates: [{ name: 'a', before: 1, after: 1, soak: { duration: '1s' } }] },
      /exactly one of before or after/,
    ],
    [
      'a gate with path and address',
      { workload, gates: [{ name: 'a', before: 1, http: { path: '/', url: 'https://a' } }] },
      /exactly one of path or url/,
    ],
    ['one workload and several', { workload, workloads: { web: workload } }, /only one of them/],
    ['a duration that is none', { workload, policy: { progressDeadline: 'soon' } }, /progressDeadline/],
    ['too many instances', { workload: { ...workload, replicas: 5_000 } }, /less than or equal to 1000/],
  ])('the API server itself refuses %s', (_, spec, words) =>
    inNamespace(client, async (namespace) => {
      await expect(applied(spec)(namespace)).rejects.toThrow(words);
    }),
  );

  it('what is made once is not changed, and its status is', () =>
    inNamespace(client, async (namespace) => {
      const [spec, { status }] = [virtualSpec({}), new VirtualRelease({}).settle()];
      const metadata = { name: 'shop-local-r2' };
      const type = typeOf('Release');
      const made = await client.create<Any>(type, {
        metadata: { name: metadata.name, namespace },
        spec,
      } as Any);
      await expect(
        client.replace(type, { ...made, spec: { ...spec, to: 'another' } } as Any),
      ).rejects.toThrow(/not changed once it is made/);
      const next = await client.replace<Any>(type, { ...made, status } as Any, { subresource: 'status' });
      // The text of the two is the same: no field of a status or a plan is lost on the way.
      expect([next.spec, next.status]).toEqual(JSON.parse(JSON.stringify([spec, status])));
      expect(kubectl('get', 'rel', '-n', namespace)).toMatch(
        /^NAME +APP +FROM +TO +STRATEGY +PHASE +WAITING FOR +AGE\nshop-local-r2 +shop +shop-local-r1 +shop-local-r2 +/,
      );
      expect(kubectl('get', 'slipway', '-n', namespace, '-o', 'name')).toBe(
        `release.slipway.dev/${metadata.name}\n`,
      );
    }));

  it('kubectl explains them', () => {
    expect(kubectl('explain', 'applications.spec.strategy')).toMatch(/canary\t?<Object>|canary\s+<Object>/);
  });
});
