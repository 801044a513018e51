import type { Result } from '../../lib/errors.ts';
import type { TrackInput } from './input.ts';

interface Written {
  replicas?: number;
}
interface WrittenSpec {
  workload?: Written;
  workloads?: Record<string, Written>;
  environments?: Record<string, { workload?: Written; workloads?: Record<string, Written> }>;
}

/** Where a file without environments goes: its own numbers are this environment's. */
const FIRST_ENVIRONMENT = 'local';

/**
 * The application's spec with another number of instances, written where a person would write it: beside the
 * workload where the file knows one environment alone, else in this environment's override, so that no other
 * environment is scaled with it. The way of refusing is a sentence.
 */
export function scaledSpec(
  input: Pick<TrackInput, 'written' | 'wanted' | 'environment' | 'application'>,
  parameters: Readonly<Record<string, unknown>>,
): Result<{ spec: unknown; workload: string; replicas: number }, string> {
  const { replicas, workload } = parameters;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0)
    return { ok: false, error: 'replicas must be a whole number from 0' };
  if (!input.wanted.ok)
    return { ok: false, error: input.wanted.error.map((e) => `${e.path}: ${e.message}`).join('; ') };
  const { resolved } = input.wanted.value;
  const names = Object.keys(resolved.workloads);
  const scalable = names.filter((name) => resolved.workloads[name]?.type !== 'migration');
  const name = typeof workload === 'string' ? workload : scalable.length === 1 ? scalable[0] : undefined;
  if (name === undefined)
    return { ok: false, error: `name the workload to scale: --workload ${scalable.join(' or ')}` };
  if (!scalable.includes(name))
    return { ok: false, error: `there is no workload ${name} to scale; there are ${scalable.join(', ')}` };
  const routed = resolved.routes.some((route) => route.workload === name) || names.length === 1;
  if (replicas === 0 && routed && resolved.routes.length > 0)
    return { ok: false, error: `${name} has routes: with 0 instances nothing could answer; use 1 or more` };
  const spec = structuredClone(input.written) as WrittenSpec;
  const own = spec.workload ?? spec.workloads?.[name];
  const alone = Object.keys(spec.environments ?? {}).length === 0 && input.environment === FIRST_ENVIRONMENT;
  if (own !== undefined && alone) own.replicas = replicas;
  else {
    const before = spec.environments?.[input.environment] ?? {};
    const override =
      spec.workload !== undefined
        ? { ...before, workload: { ...before.workload, replicas } }
        : {
            ...before,
            workloads: { ...before.workloads, [name]: { ...before.workloads?.[name], replicas } },
          };
    spec.environments = { ...spec.environments, [input.environment]: override };
  }
  return { ok: true, value: { spec, workload: name, replicas } };
}
