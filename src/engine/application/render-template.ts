import type { TemplateSpec } from '../../api/environment.ts';
import type { ErrorDetail, Result } from '../../lib/errors.ts';

const PLACEHOLDER = /\$\{([a-z0-9]([-a-z0-9]*[a-z0-9])?)\}/g;

/**
 * Fills `${name}` in every string of a Template. A string that is one placeholder alone takes the parameter's
 * type (replicas: "${size}" becomes a number). There is no code in templates (threats.md, template execution).
 */
export function renderTemplate(
  template: TemplateSpec,
  given: Readonly<Record<string, unknown>>,
): Result<Record<string, unknown>, readonly ErrorDetail[]> {
  const values = new Map<string, string | number | boolean>();
  const errors: ErrorDetail[] = [];
  for (const [name, declared] of Object.entries(template.parameters)) {
    const value = Object.hasOwn(given, name) ? given[name] : declared.default;
    if (value === undefined)
      errors.push({
        path: `spec.parameters.${name}`,
        message: `the template needs ${name} (${declared.type})`,
      });
    else if (typeof value === declared.type) values.set(name, value as string | number | boolean);
    else
      errors.push({
        path: `spec.parameters.${name}`,
        message: `found ${typeof value}, the template wants a ${declared.type}`,
      });
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(template.parameters, name)) {
      errors.push({
        path: `spec.parameters.${name}`,
        message: `the template has no parameter ${name}; it has ${Object.keys(template.parameters).join(', ') || 'none'}`,
      });
    }
  }
  const fill = (value: unknown): unknown => {
    if (typeof value === 'string') return fillText(value, values, errors);
    if (Array.isArray(value)) return value.map(fill);
    if (value !== null && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, fill(v)]));
    return value;
  };
  const rendered = fill(template.workloads) as Record<string, unknown>;
  return errors.length > 0 ? { ok: false, error: errors } : { ok: true, value: rendered };
}

function fillText(
  text: string,
  values: ReadonlyMap<string, string | number | boolean>,
  errors: ErrorDetail[],
): unknown {
  const alone = /^\$\{([^}]+)\}$/.exec(text)?.[1];
  if (alone !== undefined && values.has(alone)) return values.get(alone);
  return text.replaceAll(PLACEHOLDER, (whole, name: string) => {
    const value = values.get(name);
    if (value === undefined)
      errors.push({
        path: 'spec.template',
        message: `${whole} stands in the template and is no parameter of it`,
      });
    return String(value ?? whole);
  });
}
