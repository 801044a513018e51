import type * as z from 'zod';
import { ApplicationSpec, type RouteSpec } from '../../api/application.ts';
import type { EnvironmentSpec, TemplateSpec } from '../../api/environment.ts';
import type { Gate } from '../../api/gate.ts';
import type { ReleasePolicy, Strategy } from '../../api/strategy.ts';
import { Workload } from '../../api/workload.ts';
import type { ErrorDetail, Result } from '../../lib/errors.ts';
import { mergePatch } from '../../lib/merge-patch.ts';
import { findProblems } from '../../lib/validation.ts';
import { renderTemplate } from './render-template.ts';

/** An application as one environment sees it: overrides merged, template rendered, defaults filled in. */
export interface ResolvedApplication {
  readonly name: string;
  readonly environment: string;
  readonly workloads: Readonly<Record<string, Workload>>;
  readonly routes: readonly RouteSpec[];
  readonly strategy: Strategy;
  readonly gates: readonly Gate[];
  readonly policy: ReleasePolicy;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface ResolveContext {
  readonly name: string;
  readonly environment: string;
  /** Absent where the environment's own parameters are not known (a file checked away from the manager). */
  readonly environmentSpec?: EnvironmentSpec | undefined;
  readonly template?: TemplateSpec | undefined;
}

/**
 * Merges and checks the shape. Order, later wins: application, environment's parameters, the application's
 * override for the environment. Paths in the answer are those of the application's file.
 */
export function resolveApplication(
  written: unknown,
  context: ResolveContext,
): Result<ResolvedApplication, readonly ErrorDetail[]> {
  const parsed = ApplicationSpec.safeParse(written);
  if (!parsed.success) return { ok: false, error: problemsAt('spec', ApplicationSpec, written) };
  const spec = parsed.data;
  const override = spec.environments[context.environment];
  const parameters = {
    ...spec.parameters,
    ...(context.environmentSpec?.parameters ?? {}),
    ...(override?.parameters ?? {}),
  };
  const raw = rawWorkloads(written, spec, parameters, context);
  if (!raw.ok) return raw;
  const workloads: Record<string, Workload> = {};
  const errors: ErrorDetail[] = [];
  for (const [name, { value, path }] of Object.entries(raw.value)) {
    const own =
      name === context.name && spec.workloads === undefined
        ? override?.workload
        : override?.workloads?.[name];
    const whole = own === undefined ? value : mergePatch(value, own);
    const merged = Workload.safeParse(whole);
    if (merged.success) workloads[name] = merged.data;
    else {
      const where =
        own === undefined
          ? path
          : `spec.environments.${context.environment}.${spec.workloads === undefined ? 'workload' : `workloads.${name}`}`;
      errors.push(...problemsAt(where, Workload, whole, own ?? whole));
    }
  }
  for (const name of Object.keys(override?.workloads ?? {})) {
    if (!(name in raw.value)) {
      errors.push({
        path: `spec.environments.${context.environment}.workloads.${name}`,
        message: `there is no workload ${name}; there are ${Object.keys(raw.value).join(', ')}`,
      });
    }
  }
  if (errors.length > 0) return { ok: false, error: errors };
  return {
    ok: true,
    value: {
      name: context.name,
      environment: context.environment,
      workloads,
      routes: override?.routes ?? spec.routes,
      strategy: override?.strategy ?? spec.strategy,
      gates: override?.gates ?? spec.gates,
      policy: spec.policy,
      parameters,
    },
  };
}

/**
 * With what is allowed, and paths as they stand in the file. What an override does not have may be written there,
 * also where the whole has it: that is asked of what is `written`.
 */
function problemsAt(root: string, schema: z.ZodType, whole: unknown, written = whole): ErrorDetail[] {
  const fields = new Map(
    written === whole ? [] : findProblems(schema, written).map(({ path, message }) => [path, message]),
  );
  return findProblems(schema, whole).map(({ path = '', message }) => ({
    path: path === '' || path.startsWith('[') ? `${root}${path}` : `${root}.${path}`,
    message: message.startsWith('there is no such field') ? (fields.get(path) ?? message) : message,
  }));
}

type Raw = Record<string, { readonly value: unknown; readonly path: string }>;

/** Workloads as written, so that an override merges before defaults are filled in. */
function rawWorkloads(
  written: unknown,
  spec: ApplicationSpec,
  parameters: Readonly<Record<string, unknown>>,
  context: ResolveContext,
): Result<Raw, readonly ErrorDetail[]> {
  const given = [spec.workload, spec.workloads, spec.template].filter((x) => x !== undefined).length;
  if (given !== 1) {
    return {
      ok: false,
      error: [
        { path: 'spec', message: `exactly one of workload, workloads or template is needed, found ${given}` },
      ],
    };
  }
  const source = written as { workload?: unknown; workloads?: Record<string, unknown> };
  if (spec.workload !== undefined)
    return { ok: true, value: { [context.name]: { value: source.workload, path: 'spec.workload' } } };
  if (spec.workloads !== undefined) {
    const entries = Object.entries(source.workloads ?? {}).map(
      ([name, value]) => [name, { value, path: `spec.workloads.${name}` }] as const,
    );
    if (entries.length === 0)
      return { ok: false, error: [{ path: 'spec.workloads', message: 'at least one workload is needed' }] };
    return { ok: true, value: Object.fromEntries(entries) };
  }
  if (context.template === undefined) {
    return {
      ok: false,
      error: [
        {
          path: 'spec.template.name',
          message: `there is no template ${spec.template?.name}; see: slipway get templates`,
        },
      ],
    };
  }
  const rendered = renderTemplate(context.template, parameters);
  if (!rendered.ok) return rendered;
  return {
    ok: true,
    value: Object.fromEntries(
      Object.entries(rendered.value).map(([name, value]) => [
        name,
        { value, path: `template ${spec.template?.name}: workloads.${name}` },
      ]),
    ),
  };
}
