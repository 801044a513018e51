import { durationMs } from '../../api/duration.ts';
import type { EnvironmentSpec, TemplateSpec } from '../../api/environment.ts';
import type { ErrorDetail } from '../../lib/errors.ts';
import { expressionProblem } from '../../lib/expression.ts';
import { planRelease } from '../plan/plan-release.ts';
import { planWorkloads, routedWorkload } from './plan-workloads.ts';
import { type ResolvedApplication, resolveApplication } from './resolve.ts';
import { isPinned } from './revision.ts';

export interface ValidationContext {
  readonly name: string;
  /** Environments that exist, with their specs; a file checked away from the manager may pass none. */
  readonly environments: Readonly<Record<string, EnvironmentSpec | undefined>>;
  readonly template?: TemplateSpec | undefined;
  /** The API takes digests alone; the command line uploads directories before. */
  readonly requirePinned: boolean;
}

/**
 * Everything that can be known to be wrong with an application before it is stored: shape, references,
 * impossible combinations, and a plan in every environment that it would be released to. Empty when right.
 */
export function validateApplication(spec: unknown, context: ValidationContext): ErrorDetail[] {
  const named = namedEnvironments(spec);
  const known = Object.keys(context.environments);
  const errors: ErrorDetail[] = [...checkExpressions(spec)];
  // An override for an environment that this manager does not have is no error: one file serves several.
  const environments = new Set([...known, ...named]);
  if (environments.size === 0) environments.add('local');
  for (const environment of environments) {
    const resolved = resolveApplication(spec, {
      name: context.name,
      environment,
      environmentSpec: context.environments[environment],
      template: context.template,
    });
    if (resolved.ok)
      errors.push(...checkResolved(resolved.value, context, context.environments[environment]));
    else errors.push(...resolved.error);
  }
  const seen = new Set<string>();
  return errors.filter(({ path, message }) => {
    const key = `${path}\n${message}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Those that an application has something of its own for. */
export function namedEnvironments(spec: unknown): string[] {
  const environments = (spec as { environments?: unknown } | null)?.environments;
  return environments !== null && typeof environments === 'object' ? Object.keys(environments) : [];
}

interface WrittenGates {
  readonly gates?: unknown;
  readonly environments?: unknown;
}

/** Expressions of gates where they are written; what is no expression at all the schema refuses. */
function* checkExpressions(written: unknown, path = 'spec'): Iterable<ErrorDetail> {
  const { gates, environments } = (written ?? {}) as WrittenGates;
  for (const [index, gate] of (Array.isArray(gates) ? gates : []).entries()) {
    const expect = (gate as { http?: { expect?: unknown } | null } | null)?.http?.expect;
    const problem = typeof expect === 'string' ? expressionProblem(expect) : null;
    if (problem === null) continue;
    yield {
      path: `${path}.gates[${index}].http.expect`,
      message: `found ${JSON.stringify(expect)}, allowed: a CEL expression over response; ${problem}`,
    };
  }
  if (environments === null || typeof environments !== 'object') return;
  for (const [name, override] of Object.entries(environments))
    yield* checkExpressions(
      { gates: (override as WrittenGates | null)?.gates },
      `${path}.environments.${name}`,
    );
}

function checkResolved(
  application: ResolvedApplication,
  context: ValidationContext,
  environment: EnvironmentSpec | undefined,
): ErrorDetail[] {
  const errors = [...checkWorkloads(application, context.requirePinned), ...checkRoutes(application)];
  if (errors.length > 0) return errors;
  const { workloads } = application;
  const pinned = Object.entries(workloads).map(([name, { type }]) => ({ name, type }));
  const planned = planRelease({
    strategy: application.strategy,
    liveStrategy: null,
    from: { name: 'before', digest: 'before' },
    to: { name: 'after', digest: 'after' },
    toIsWarm: false,
    workloads: planWorkloads(application, pinned),
    gates: application.gates,
    routes: application.routes,
    policy: application.policy,
    clusters: environment?.clusters ?? ['local'],
    approval: null,
    maxInstances: environment?.maxInstances ?? null,
    keptWarm: [],
  });
  if (planned.ok) return [];
  return planned.error.map(({ path, message }) => ({
    path: filePath(path, application),
    message: `${message} (environment ${application.environment})`,
  }));
}

/** The planner speaks of `spec.workloads.NAME`; a file with one workload has `spec.workload`. */
const filePath = (path: string, { name, workloads }: ResolvedApplication): string =>
  Object.keys(workloads).length === 1 && name in workloads
    ? path.replace(`spec.workloads.${name}`, 'spec.workload')
    : path;

function* checkWorkloads(application: ResolvedApplication, requirePinned: boolean): Iterable<ErrorDetail> {
  for (const [name, workload] of Object.entries(application.workloads)) {
    const path = filePath(`spec.workloads.${name}`, application);
    if (workload.artifact !== undefined && workload.image !== undefined)
      yield { path, message: 'artifact and image exclude each other' };
    if (requirePinned && workload.artifact !== undefined && !isPinned(workload.artifact)) {
      yield {
        path: `${path}.artifact`,
        message: `found ${JSON.stringify(workload.artifact)}, allowed: name@sha256:…; slipway apply uploads directories by itself`,
      };
    }
    if (workload.type === 'service' && workload.port === undefined) {
      yield {
        path: `${path}.port`,
        message:
          'a service needs a port, such as port: { env: PORT }; a workload without traffic has type: worker',
      };
    }
    if (workload.type === 'service' && workload.readiness === undefined) {
      yield {
        path: `${path}.readiness`,
        message:
          'a service needs a readiness check (http, tcp or command), or nothing could tell when it may take traffic',
      };
    }
    if (
      workload.readiness !== undefined &&
      workload.readiness.command === undefined &&
      workload.port === undefined
    ) {
      yield {
        path: `${path}.readiness`,
        message: 'http and tcp readiness need a port; without one use command',
      };
    }
    if (workload.port !== undefined && Object.hasOwn(workload.env, workload.port.env)) {
      yield {
        path: `${path}.env.${workload.port.env}`,
        message: `${workload.port.env} is set by Slipway to the port of each instance`,
      };
    }
    const { grace, streamTimeout } = workload.drain;
    if (durationMs(grace) < durationMs(streamTimeout)) {
      yield {
        path: `${path}.drain.grace`,
        message: `found ${grace}, allowed: at least streamTimeout (${streamTimeout}), since streams end between SIGTERM and SIGKILL`,
      };
    }
  }
}

function* checkRoutes(application: ResolvedApplication): Iterable<ErrorDetail> {
  const { routes, workloads } = application;
  const seen = new Map<string, number>();
  for (const [index, route] of routes.entries()) {
    const path = `spec.routes[${index}]`;
    const target = routedWorkload(route, workloads);
    if (target === undefined) {
      yield {
        path: `${path}.workload`,
        message: `is required where there are several services: ${Object.keys(workloads).join(', ')}`,
      };
    } else if (!(target in workloads)) {
      yield {
        path: `${path}.workload`,
        message: `there is no workload ${target}; there are ${Object.keys(workloads).join(', ')}`,
      };
    } else if (workloads[target]?.type !== 'service') {
      yield {
        path: `${path}.workload`,
        message: `${target} is a ${workloads[target]?.type} and takes no traffic`,
      };
    }
    const key = `${route.host ?? '*'} ${route.path}`;
    const other = seen.get(key);
    if (other !== undefined) yield { path, message: `the same host and path as spec.routes[${other}]` };
    seen.set(key, index);
    for (const [at, rule] of route.rules.entries()) {
      const given = [rule.header, rule.cookie, rule.path].filter((x) => x !== undefined).length;
      if (given !== 1)
        yield {
          path: `${path}.rules[${at}]`,
          message: `exactly one of header, cookie or path is needed, found ${given}`,
        };
    }
  }
}
