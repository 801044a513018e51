import * as z from 'zod';
import { Name } from '../api/meta.ts';
import { SlipwayError } from '../lib/errors.ts';
import { findProblems, refuseProblems } from '../lib/validation.ts';
import { GRANTABLE_ROLES } from './authorize.ts';
import type { Route } from './route.ts';
import type { Identity, TokenStore } from './tokens.ts';

const TokenBody = z.strictObject({
  name: Name,
  roles: z.array(z.enum(GRANTABLE_ROLES as [string, ...string[]])).min(1),
  cluster: Name.optional(),
});

/** Tokens: made (the text is in that one answer), listed without it, revoked. */
export function tokenRoutes(tokens: TokenStore): Route[] {
  const about = { url: '/auth/v1/tokens', resource: 'tokens' } as const;
  return [
    {
      ...about,
      method: 'GET',
      verb: 'list',
      summary: 'List the tokens by name and role',
      handle: async () => ({ json: { kind: 'TokenList', items: tokens.list() } }),
    },
    {
      ...about,
      method: 'POST',
      verb: 'create',
      body: 'json',
      summary: 'Make a token; its text is in this answer alone',
      handle: async (call) => {
        refuseProblems('the token', findProblems(TokenBody, call.body, { quote: false }));
        const identity = call.body as Identity;
        call.note.name = identity.name;
        const { token, info } = await tokens.create(identity);
        return { status: 201, json: { kind: 'Token', ...info, token } };
      },
    },
    {
      ...about,
      url: '/auth/v1/tokens/:name',
      method: 'DELETE',
      verb: 'delete',
      summary: 'Revoke a token; its open streams end',
      handle: async ({ name = '' }) => {
        if (!(await tokens.revoke(name))) {
          throw new SlipwayError('notFound', `there is no token ${name.slice(0, 63)}`, {
            next: 'slipway token list',
          });
        }
        return {
          json: { kind: 'Status', status: 'Success', message: `token ${name} is revoked`, code: 200 },
        };
      },
    },
  ];
}
