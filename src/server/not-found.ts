import { KIND_NAMES } from '../api/kind-names.ts';
import type { KubernetesStatus } from '../lib/status.ts';
import type { Route } from './route.ts';

/** Answers for addresses that lead nowhere: what there is instead. */
export function notFoundStatus(method: string, path: string, routes: readonly Route[]): KubernetesStatus {
  const here = routes.filter((route) => pattern(route.url).test(path)).map((route) => route.method);
  if (here.length > 0) {
    const allowed = [...new Set(here)].join(', ');
    return status(405, 'MethodNotAllowed', `${method} is not allowed here; allowed: ${allowed}`);
  }
  const plurals = KIND_NAMES.map((kind) => kind.plural);
  const next = path.startsWith('/apis/')
    ? `resources under /apis/slipway.dev/v1alpha1: ${plurals.join(', ')}`
    : `what there is: ${[...new Set(routes.map((route) => first(route.url)))].join(', ')}`;
  return { ...status(404, 'NotFound', 'there is nothing at this address'), details: { next } };
}

const status = (code: number, reason: string, message: string): KubernetesStatus => ({
  apiVersion: 'v1',
  kind: 'Status',
  metadata: {},
  status: 'Failure',
  reason,
  code,
  message,
});

const pattern = (url: string): RegExp =>
  new RegExp(`^${url.replaceAll(/[.]/g, '\\.').replaceAll(/:[a-zA-Z]+/g, '[^/]+')}$`);

/** `/apis/slipway.dev/v1alpha1`, `/artifacts/v1`, `/healthz`. */
const first = (url: string): string =>
  url
    .split('/')
    .slice(0, url.startsWith('/apis/') ? 4 : 3)
    .join('/')
    .replace(/\/:.*$/, '');
