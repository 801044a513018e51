import { API_PREFIX } from '../api/kind-names.ts';
import { KINDS } from '../api/kinds.ts';
import { agentRoutes } from './agents.ts';
import { applicationHooks } from './applications.ts';
import { artifactRoutes } from './artifacts.ts';
import { backupRoutes } from './backup.ts';
import { commandHooks, commandRoutes } from './commands.ts';
import type { ServerDependencies } from './dependencies.ts';
import { environmentHooks } from './environments.ts';
import { healthRoutes } from './health.ts';
import type { KindHooks } from './kind-hooks.ts';
import { openApiDocument } from './openapi-document.ts';
import { planRoutes } from './plan.ts';
import { readRoutes } from './resource-reads.ts';
import { writeRoutes } from './resource-writes.ts';
import type { Route } from './route.ts';
import { runningRoutes } from './running.ts';
import { secretUseRoutes } from './secret-uses.ts';
import { secretHooks } from './secrets.ts';
import { tokenRoutes } from './token-routes.ts';
import type { TokenStore } from './tokens.ts';
import { unmanagedRoutes } from './unmanaged.ts';
import { whyRoutes } from './why.ts';
import { whyApplicationRoutes } from './why-application.ts';

const HOOKS: Readonly<Record<string, KindHooks>> = {
  Application: applicationHooks,
  Command: commandHooks,
  Environment: environmentHooks,
  Secret: secretHooks,
};

/** Every endpoint there is. */
export function allRoutes(deps: ServerDependencies, tokens: TokenStore): Route[] {
  const resources = KINDS.flatMap((kind) => {
    const base = `${API_PREFIX}/${kind.namespaced ? 'namespaces/:namespace/' : ''}${kind.plural}`;
    const hooks = HOOKS[kind.kind] ?? {};
    return [...readRoutes(kind, base, hooks, deps), ...writeRoutes(kind, base, hooks, deps)];
  });
  const routes: Route[] = [
    ...healthRoutes(deps),
    ...resources,
    ...commandRoutes(deps),
    ...planRoutes(deps),
    ...secretUseRoutes(deps),
    ...whyRoutes(deps),
    ...whyApplicationRoutes(deps),
    ...runningRoutes(deps),
    ...unmanagedRoutes(deps),
    ...artifactRoutes(deps),
    ...tokenRoutes(tokens),
    ...backupRoutes(deps),
    ...agentRoutes(deps),
    {
      method: 'GET',
      url: '/openapi/v3',
      verb: 'get',
      resource: 'openapi',
      summary: 'This document',
      handle: async () => {
        document ??= openApiDocument(routes);
        return { json: document };
      },
    },
  ];
  let document: ReturnType<typeof openApiDocument> | undefined;
  return routes;
}
