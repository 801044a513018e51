import { setImmediate as turn } from 'node:timers/promises';
import type { Environment } from '../api/environment.ts';
import { API_PREFIX } from '../api/kind-names.ts';
import { kindOf } from '../api/kinds.ts';
import { Name } from '../api/meta.ts';
import { messageOf, SlipwayError } from '../lib/errors.ts';
import { isObject } from '../lib/merge-patch.ts';
import { publicError, toStatus } from '../lib/status.ts';
import type { ServerDependencies } from './dependencies.ts';
import { LineStream, ReaderStalled } from './line-stream.ts';
import { requireObject } from './resource-reads.ts';
import type { Answer, Call, Route } from './route.ts';
import { isTrue, parseCount } from './selectors.ts';

/** What runs now: instances and their logs. The agents know; the manager only asks them. */
export function runningRoutes(deps: ServerDependencies): Route[] {
  const base = `${API_PREFIX}/namespaces/:namespace/applications/:name`;
  return [
    {
      method: 'GET',
      url: `${base}/instances`,
      verb: 'get',
      resource: 'applications/instances',
      kind: 'Application',
      summary: 'Instances of an application as its agents see them',
      handle: (call) => instances(call, deps),
    },
    {
      method: 'GET',
      url: `${base}/logs`,
      verb: 'get',
      resource: 'applications/logs',
      kind: 'Application',
      stream: true,
      summary: 'Lines of log as JSON lines; ?follow=1 goes on',
      handle: (call) => logs(call, deps),
    },
  ];
}

async function instances(call: Call, deps: ServerDependencies): Promise<Answer> {
  const { environment } = filtersOf(call);
  const items: unknown[] = [];
  const errors: { cluster: string; message: string }[] = [];
  for (const cluster of await clustersOf(call, environment, deps)) {
    try {
      const params = { namespace: call.namespace, application: call.name };
      for await (const answer of deps.gateway.call(cluster, 'instances', params, call.signal)) {
        for (const item of Array.isArray(answer) ? answer : [answer]) {
          if (environment === undefined || environmentOf(item) === environment)
            items.push({ cluster, ...(isObject(item) ? item : { item }) });
        }
      }
    } catch (error) {
      // One cluster out of reach must not hide the others; it is named instead.
      errors.push({ cluster, message: messageOf(error) });
    }
  }
  if (items.length === 0 && errors[0] !== undefined) {
    throw new SlipwayError(
      'unavailable',
      `cluster ${errors[0].cluster} cannot be asked: ${errors[0].message}`,
      { next: 'slipway status' },
    );
  }
  return { json: { kind: 'InstanceList', items, errors } };
}

const environmentOf = (item: unknown): unknown =>
  isObject(item) && isObject(item.key) ? item.key.environment : undefined;

async function logs(call: Call, deps: ServerDependencies): Promise<Answer> {
  const { environment, workload, instance } = filtersOf(call);
  const follow = isTrue(call.query.follow);
  const tailLines = parseCount(call.query.tailLines, 'tailLines', 100_000);
  const clusters = await clustersOf(call, environment, deps);
  const params = {
    namespace: call.namespace,
    application: call.name,
    follow,
    ...(environment === undefined ? {} : { environment }),
    ...(workload === undefined ? {} : { workload }),
    ...(instance === undefined ? {} : { instance }),
    ...(tailLines === undefined ? {} : { tailLines }),
  };
  const sources = clusters.map((cluster) => {
    const lines = deps.gateway.call(cluster, 'logs', params, call.signal)[Symbol.asyncIterator]();
    return { cluster, lines, first: lines.next() };
  });
  // That the only cluster is not connected is known at once: an HTTP status is clearer than a line.
  const outcomes = sources.map(({ first }) =>
    first.then(
      () => undefined,
      (error: unknown) => ({ error }),
    ),
  );
  const early = await Promise.race([...outcomes, turn(undefined)]);
  if (early !== undefined && sources.length === 1) throw early.error;
  const stream = new LineStream(call.takeOver(200, { 'content-type': 'application/x-ndjson' }), {
    stallMs: deps.limits.stallMs,
    clock: deps.clock,
  });
  const copy = async ({ cluster, lines, first }: (typeof sources)[number]) => {
    for (let next = await first; next.done !== true; next = await lines.next()) {
      await stream.write(isObject(next.value) ? { cluster, ...next.value } : { cluster, line: next.value });
    }
  };
  try {
    await Promise.all(sources.map(copy));
  } catch (error) {
    if (!(error instanceof ReaderStalled) && !call.signal.aborted)
      await stream.write(toStatus(publicError(error)));
  } finally {
    await Promise.allSettled(sources.map(({ lines }) => lines.return?.()));
    stream.end();
  }
  return 'sent';
}

/** The clusters of the environment, or all that are connected. */
async function clustersOf(
  call: Call,
  environment: string | undefined,
  deps: ServerDependencies,
): Promise<string[]> {
  await requireObject(kindOf('Application'), call, deps);
  if (environment !== undefined) {
    const found = await requireObject<Environment>(
      kindOf('Environment'),
      { namespace: call.namespace, name: environment },
      deps,
    );
    return found.spec.clusters ?? ['local'];
  }
  const connected = deps.gateway.clusters().filter((cluster) => cluster.connected);
  if (connected.length === 0) {
    throw new SlipwayError('unavailable', 'no agent is connected, and only agents know what runs', {
      next: 'slipway status',
    });
  }
  return connected.map((cluster) => cluster.name);
}

function filtersOf({ query }: Call) {
  const { environment, workload, instance } = query;
  if (environment !== undefined && !Name.safeParse(environment).success) {
    throw new SlipwayError('badRequest', 'environment: a name is allowed');
  }
  return { environment, workload, instance };
}
