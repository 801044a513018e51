import { expect, it } from 'vitest';
import type { ApiObject } from '../api/meta.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { memoryStore } from '../store/memory/memory-store.ts';
import { newRoutesTaken, routesTaken } from './route-owners.ts';

const object = (kind: string, name: string, spec: unknown, status?: unknown, namespace = 'default') =>
  ({
    apiVersion: 'slipway.dev/v1alpha1',
    kind,
    metadata: { name, namespace },
    spec,
    ...(status === undefined ? {} : { status }),
  }) as ApiObject;
const app = (name: string, hosts: readonly string[], more: object = {}, namespace?: string) =>
  object('Application', name, { routes: hosts.map((host) => ({ host })), ...more }, undefined, namespace);
const track = (
  application: string,
  environment: string,
  hosts: readonly string[],
  more: object = {},
  namespace?: string,
) =>
  object(
    'Track',
    `${application}-${environment}`,
    { application, environment },
    { standing: { inPlace: 'x', routes: hosts.map((host) => ({ host, path: '/' })) }, active: null, ...more },
    namespace,
  );
const environment = (name: string, clusters: readonly string[]) => object('Environment', name, { clusters });

/** `web` holds web.localhost in local, and asks for nothing else. */
const WEB = [app('web', ['web.localhost']), track('web', 'local', ['web.localhost'])];
const taken = async (
  objects: readonly ApiObject[],
  spec: unknown,
  { to = 'local', before }: { to?: string; before?: unknown } = {},
) => {
  const store = memoryStore({ clock: systemClock(), random: systemRandom() });
  for (const each of objects) await store.create(each);
  const where = { namespace: 'default', application: 'shop', environment: to };
  const planned = await routesTaken(store, spec, where);
  const applied = await newRoutesTaken(store, { spec, before, namespace: 'default', name: 'shop' });
  await store.close();
  const words = (all: typeof planned) => all.map(({ path, message }) => `${path} ${message.split(';')[0]}`);
  return { planned: words(planned), applied: words(applied) };
};
const wants = (...hosts: string[]) => ({ routes: hosts.map((host) => ({ host })) });
const HELD = 'web.localhost/ belongs to application web in environment local';

it.each<
  [string, readonly ApiObject[], unknown, Parameters<typeof taken>[2], readonly string[], readonly string[]]
>([
  ['a host of its own', WEB, wants('shop.localhost'), {}, [], []],
  [
    'a host that another one holds',
    WEB,
    wants('shop.localhost', 'web.localhost'),
    {},
    [`spec.routes[1] ${HELD}`],
    [`spec.routes[1] ${HELD}`],
  ],
  ['another path of that host', WEB, { routes: [{ host: 'web.localhost', path: '/shop' }] }, {}, [], []],
  [
    'in no file before and in no environment yet',
    [app('web', ['web.localhost'])],
    wants('web.localhost'),
    {},
    [],
    [],
  ],
  [
    'one that a release is bringing',
    [
      app('web', ['web.localhost']),
      track('web', 'local', [], { active: { release: 'web-local-r1' } }),
      object('Release', 'web-local-r1', { routes: [{ host: 'web.localhost', path: '/' }] }),
    ],
    wants('web.localhost'),
    {},
    [`spec.routes[0] ${HELD}`],
    [`spec.routes[0] ${HELD}`],
  ],
  [
    'one that its owner gives up',
    [app('web', []), track('web', 'local', ['web.localhost'])],
    wants('web.localhost'),
    {},
    [],
    [],
  ],
  [
    'one whose owner has gone',
    [track('web', 'local', ['web.localhost'])],
    wants('web.localhost'),
    {},
    [],
    [],
  ],
  [
    'on a router of its own',
    [...WEB, environment('far', ['eu'])],
    { environments: { far: wants('web.localhost') } },
    { to: 'far' },
    [],
    [],
  ],
  [
    'in a namespace beside, on the same router',
    [app('web', ['web.localhost'], {}, 'team'), track('web', 'local', ['web.localhost'], {}, 'team')],
    wants('web.localhost'),
    {},
    [`spec.routes[0] ${HELD}`],
    [`spec.routes[0] ${HELD}`],
  ],
  [
    'it stood in the file before: other changes are not held up',
    WEB,
    wants('web.localhost'),
    { before: wants('web.localhost') },
    [`spec.routes[0] ${HELD}`],
    [],
  ],
  [
    'its own in another environment: one release goes, the file may stand',
    [app('shop', ['shop.localhost']), track('shop', 'local', ['shop.localhost'])],
    { ...wants('shop.localhost'), environments: { staging: {} } },
    { to: 'staging' },
    ['spec.routes[0] shop.localhost/ belongs to application shop in environment local'],
    [],
  ],
  [
    'its own where it stands',
    [app('shop', ['shop.localhost']), track('shop', 'local', ['shop.localhost'])],
    wants('shop.localhost'),
    {},
    [],
    [],
  ],
])('%s', async (_, objects, spec, options, planned, applied) => {
  expect(await taken(objects, spec, options)).toEqual({ planned, applied });
});
