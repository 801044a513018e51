import * as z from 'zod';
import { RouteSpec } from '../api/application.ts';
import { Gate } from '../api/gate.ts';
import { KINDS } from '../api/kinds.ts';
import { Condition, ObjectMeta } from '../api/meta.ts';
import { Count, Instruction, Plan, Stage, Weights } from '../api/plan.ts';
import { TrafficTotals, Waiting } from '../api/release.ts';
import { RevisionSpec } from '../api/revision.ts';
import { ReleasePolicy, Strategy } from '../api/strategy.ts';
import { PinnedWorkload, Readiness, Workload } from '../api/workload.ts';
import type { Route } from './route.ts';

type Json = { readonly [name: string]: unknown };

/**
 * OpenAPI 3.0 of the routes as they are declared and the schemas as they check: nothing here is written a
 * second time by hand.
 */
export function openApiDocument(routes: readonly Route[]): Json {
  return {
    openapi: '3.0.3',
    info: {
      title: 'Slipway',
      version: 'v1alpha1',
      description:
        'The API of the manager. Resources have the shape of Kubernetes; errors are Status objects. Every request but /healthz and /readyz needs a token.',
    },
    security: [{ token: [] }],
    paths: pathsOf(routes),
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'slw_… from slipway token create' },
      },
      schemas: schemas(),
    },
  };
}

function pathsOf(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.url.replaceAll(/:([a-zA-Z]+)/g, '{$1}');
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operation(route);
  }
  return paths;
}

function operation(route: Route): Json {
  const { kind } = route;
  const name = [...route.url.matchAll(/[a-zA-Z0-9]+/g)]
    .map(([word]) => word[0]?.toUpperCase() + word.slice(1))
    .join('');
  return {
    operationId: `${route.method.toLowerCase()}${name}`,
    summary: route.summary,
    tags: [kind ?? route.resource.split('/')[0]],
    ...(route.anonymous === true ? { security: [] } : {}),
    parameters: parametersOf(route),
    ...(route.body === undefined ? {} : { requestBody: requestBody(route) }),
    responses: {
      ...success(route),
      default: { description: 'What went wrong, and what to do next', content: json(ref('Status')) },
    },
    'x-slipway-verb': route.verb,
    'x-slipway-resource': route.resource,
  };
}

/** Whether the request carries the object itself, not a verb's parameters. */
const isResource = ({ verb, url }: Route): boolean =>
  ['get', 'list', 'create', 'update', 'patch', 'delete'].includes(verb) &&
  url.startsWith('/apis/') &&
  !/\/(?:why|logs|instances|uses)$/.test(url);

function parametersOf(route: Route): Json[] {
  const inPath = [...route.url.matchAll(/:([a-zA-Z]+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const query = (name: string, type: string, description: string) => ({
    name,
    in: 'query',
    schema: { type },
    description,
  });
  const force = query('force', 'string', 'Why values go that are in use; without it that is refused');
  if (route.watchable === true) {
    return [
      ...inPath,
      query('labelSelector', 'string', 'name=value, several joined by ","'),
      query('fieldSelector', 'string', 'metadata.name=NAME'),
      query('limit', 'integer', 'Objects of one page'),
      query('continue', 'string', 'From the page before'),
      query('watch', 'boolean', 'Stream events as JSON lines'),
      query(
        'resourceVersion',
        'string',
        'Watch the changes after this version; 410 when they are no longer kept',
      ),
      query('allowWatchBookmarks', 'boolean', 'Tell a quiet watch how far it has seen'),
      query('timeoutSeconds', 'integer', 'End the watch after this'),
    ];
  }
  if (
    isResource(route) &&
    route.body !== undefined &&
    route.verb !== 'delete' &&
    !route.resource.endsWith('/status')
  ) {
    return [
      ...inPath,
      query('dryRun', 'string', 'All: check everything and store nothing'),
      ...(route.kind === 'Secret' && route.verb !== 'create' ? [force] : []),
    ];
  }
  if (route.kind === 'Secret' && route.verb === 'delete') return [...inPath, force];
  if (route.url.endsWith('/logs')) {
    return [
      ...inPath,
      ...['environment', 'workload', 'instance'].map((name) =>
        query(name, 'string', `Of this ${name} alone`),
      ),
      query('follow', 'boolean', 'Go on as lines are written'),
      query('tailLines', 'integer', 'So many of the last lines'),
    ];
  }
  return route.url.endsWith('/instances')
    ? [...inPath, query('environment', 'string', 'Of this environment alone')]
    : inPath;
}

function requestBody(route: Route): Json {
  if (route.body === 'bytes')
    return {
      required: true,
      content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
    };
  if (route.body === 'mergePatch')
    return { required: true, content: { 'application/merge-patch+json': { schema: { type: 'object' } } } };
  const object = isResource(route) && route.kind !== undefined && route.verb !== 'delete';
  return {
    required: route.body === 'json',
    content: json(object ? ref(route.kind ?? '') : { type: 'object' }),
  };
}

function success(route: Route): Json {
  const { kind, verb } = route;
  if (isResource(route) && kind !== undefined) {
    if (verb === 'list')
      return {
        200: { description: 'The objects, or a stream of events', content: json(ref(`${kind}List`)) },
      };
    if (verb === 'create') return { 201: { description: 'Created', content: json(ref(kind)) } };
    if (verb === 'delete') {
      return {
        200: { description: 'Gone', content: json(ref('Status')) },
        202: { description: 'Going: finalizers still work', content: json(ref(kind)) },
      };
    }
    return { 200: { description: 'The object', content: json(ref(kind)) } };
  }
  if (route.method === 'POST' && (kind === 'Release' || kind === 'Application') && verb !== 'plan') {
    return {
      200: { description: 'Done', content: json(ref('Command')) },
      202: { description: 'Not decided yet', content: json(ref('Command')) },
      409: { description: 'Refused, with the reason', content: json(ref('Status')) },
    };
  }
  return { 200: { description: 'Done' } };
}

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Json): Json => ({ 'application/json': { schema } });

/** Parts that several kinds share stand once, under their own name. */
const SHARED: Readonly<Record<string, z.ZodType>> = {
  Condition,
  Count,
  Gate,
  Instruction,
  ObjectMeta,
  PinnedWorkload,
  Plan,
  Readiness,
  ReleasePolicy,
  RevisionSpec,
  RouteSpec,
  Stage,
  Strategy,
  TrafficTotals,
  Waiting,
  Weights,
  Workload,
};

function schemas(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(SHARED)) registry.add(schema, { id });
  for (const { kind, schema } of KINDS) registry.add(schema, { id: kind });
  const made = z.toJSONSchema(registry, {
    target: 'openapi-3.0',
    io: 'input',
    unrepresentable: 'any',
    uri: (id) => `#/components/schemas/${id}`,
  }).schemas;
  const named = Object.entries(made).map(([name, { $id: _id, id: _name, ...schema }]) => [name, schema]);
  const lists = KINDS.map(({ kind }) => [`${kind}List`, listOf(kind)]);
  const all: [string, Json][] = [...named, ...lists, ['Status', STATUS]] as [string, Json][];
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const listOf = (kind: string): Json => ({
  type: 'object',
  required: ['apiVersion', 'kind', 'metadata', 'items'],
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string', enum: [`${kind}List`] },
    metadata: {
      type: 'object',
      properties: { resourceVersion: { type: 'string' }, continue: { type: 'string' } },
    },
    items: { type: 'array', items: ref(kind) },
  },
});

const STATUS: Json = {
  type: 'object',
  required: ['apiVersion', 'kind', 'status', 'code', 'message'],
  properties: {
    apiVersion: { type: 'string', enum: ['v1'] },
    kind: { type: 'string', enum: ['Status'] },
    status: { type: 'string', enum: ['Success', 'Failure'] },
    reason: { type: 'string' },
    code: { type: 'integer' },
    message: { type: 'string' },
    details: {
      type: 'object',
      properties: {
        kind: { type: 'string' },
        name: { type: 'string' },
        uid: { type: 'string' },
        next: { type: 'string', description: 'What to run or change' },
        causes: {
          type: 'array',
          items: {
            type: 'object',
            required: ['message'],
            properties: { field: { type: 'string' }, message: { type: 'string' }, line: { type: 'integer' } },
          },
        },
      },
    },
  },
};
