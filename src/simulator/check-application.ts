import { ApplicationSpec, type ApplicationSpecInput } from '../api/application.ts';
import { validateApplication } from '../engine/application/validate.ts';
import type { Scenario } from './scenario.ts';

/** What the API's handlers make of an application's file. */
export type CheckedApplication =
  | { readonly ok: true; readonly spec: ApplicationSpec }
  | { readonly ok: false; readonly problem: string };

const checked = new WeakMap<object, CheckedApplication>();

/**
 * As the API checks what is applied. Who draws a file and who applies it ask the same of the same object, and it is
 * a good part of a run's time: the second of them is told what the first was.
 */
export function checkApplication(
  written: ApplicationSpecInput,
  name: string,
  environments: Scenario['environments'],
): CheckedApplication {
  const known = checked.get(written);
  if (known !== undefined) return known;
  const outcome = check(written, name, environments);
  checked.set(written, outcome);
  return outcome;
}

function check(
  written: ApplicationSpecInput,
  name: string,
  environments: Scenario['environments'],
): CheckedApplication {
  const parsed = ApplicationSpec.safeParse(written);
  if (!parsed.success) return { ok: false, problem: parsed.error.message };
  const [problem] = validateApplication(parsed.data, { name, environments, requirePinned: true });
  return problem === undefined ? { ok: true, spec: parsed.data } : { ok: false, problem: problem.message };
}
