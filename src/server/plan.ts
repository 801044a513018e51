import * as z from 'zod';
import { Application, ApplicationSpec } from '../api/application.ts';
import { API_PREFIX } from '../api/kind-names.ts';
import { kindOf } from '../api/kinds.ts';
import { API_VERSION, Name } from '../api/meta.ts';
import { findProblems, refuseProblems } from '../lib/validation.ts';
import { applicationProblems } from './applications.ts';
import type { ServerDependencies } from './dependencies.ts';
import { requireObject } from './resource-reads.ts';
import type { Answer, Call, Route } from './route.ts';
import { routesTaken } from './route-owners.ts';

const PlanBody = z.strictObject({
  environment: Name,
  /** The Application's spec as it would be. */
  spec: z.unknown().optional(),
  /** A revision to go back to. */
  to: z
    .string()
    .regex(/^r\d+$/, 'a revision such as r2')
    .optional(),
});

/** `slipway plan`: what a release would do, without doing any of it. */
export function planRoutes(deps: ServerDependencies): Route[] {
  return [
    {
      method: 'POST',
      url: `${API_PREFIX}/namespaces/:namespace/applications/:name/plan`,
      verb: 'plan',
      resource: 'applications',
      kind: 'Application',
      body: 'json',
      summary: 'Show what a release would do; writes nothing',
      handle: (call) => preview(call, deps),
    },
  ];
}

async function preview(call: Call, deps: ServerDependencies): Promise<Answer> {
  refuseProblems('the request for a plan', findProblems(PlanBody, call.body));
  const { environment, spec, to } = call.body as z.output<typeof PlanBody>;
  // With a spec the application need not be stored yet: a plan comes before the first apply.
  if (spec === undefined) await requireObject<Application>(kindOf('Application'), call, deps);
  const { name = '', namespace = '' } = call;
  if (spec !== undefined) {
    const written = {
      apiVersion: API_VERSION,
      kind: 'Application',
      metadata: { name, namespace },
      spec,
    };
    refuseProblems(`Application ${name}`, findProblems(Application, written));
    refuseProblems(`Application ${name}`, await applicationProblems(name, spec, namespace, deps.store));
  }
  const plan = await deps.planner.plan({
    namespace,
    application: name,
    environment,
    ...(spec === undefined ? {} : { spec: ApplicationSpec.parse(spec) }),
    ...(to === undefined ? {} : { to }),
  });
  // What goes back goes by routes that it has.
  if (to !== undefined) return { json: plan };
  const asked = spec ?? (await requireObject<Application>(kindOf('Application'), call, deps)).spec;
  const taken = await routesTaken(deps.store, asked, { namespace, application: name, environment });
  return { json: taken.length === 0 ? plan : { ...plan, refusals: [...plan.refusals, ...taken] } };
}
