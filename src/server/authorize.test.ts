import { describe, expect, it } from 'vitest';
import { authorize, type Role } from './authorize.ts';

const may = (role: Role, verb: string, resource: string): boolean =>
  authorize({ name: 'x', roles: [role] }, { verb, resource }).ok;

describe('authorize', () => {
  it.each<[Role, string, string, boolean]>([
    ['viewer', 'get', 'releases', true],
    ['viewer', 'watch', 'applications', true],
    ['viewer', 'get', 'applications/logs', true],
    ['viewer', 'plan', 'applications', true],
    ['viewer', 'get', 'secrets', false],
    ['viewer', 'get', 'secrets/uses', false],
    ['developer', 'get', 'secrets/uses', true],
    ['viewer', 'create', 'applications', false],
    ['viewer', 'pause', 'releases', false],
    ['developer', 'patch', 'applications', true],
    ['developer', 'create', 'artifacts/content', true],
    ['developer', 'release', 'applications', true],
    ['developer', 'approve', 'releases', false],
    ['developer', 'approve', 'applications', false],
    ['developer', 'update', 'environments', false],
    ['releaser', 'approve', 'releases', true],
    ['releaser', 'approve', 'applications', true],
    ['releaser', 'skip', 'releases', true],
    ['releaser', 'create', 'tokens', false],
    ['admin', 'update', 'environments', true],
    ['admin', 'create', 'tokens', true],
    ['admin', 'create', 'backups', true],
    ['admin', 'create', 'revisions', false],
    ['admin', 'delete', 'releases', false],
    ['admin', 'update', 'commands', false],
    ['admin', 'update', 'releases/status', false],
    ['admin', 'open', 'agent/secrets', false],
    ['admin', 'connect', 'agent/connect', false],
    ['agent', 'connect', 'agent/connect', true],
    ['agent', 'open', 'agent/secrets', true],
    ['agent', 'get', 'agent/artifacts', true],
    ['agent', 'get', 'applications', false],
    ['agent', 'get', 'secrets', false],
    ['agent', 'get', 'version', false],
    ['system', 'update', 'releases/status', true],
    ['system', 'create', 'tokens', false],
    ['admin', 'toString', 'constructor', false],
  ])('%s %s %s → %s', (role, verb, resource, wanted) => {
    expect(may(role, verb, resource)).toBe(wanted);
  });

  it('says who may', () => {
    const refused = authorize(
      { name: 'eve', roles: ['viewer'] },
      { verb: 'approve', resource: 'releases', namespace: 'default' },
    );
    expect(refused).toEqual({
      ok: false,
      error:
        'eve (viewer) may not approve releases in namespace default: it needs the role releaser or admin',
    });
  });

  it('allows nothing without a role', () => {
    expect(authorize({ name: 'x', roles: [] }, { verb: 'get', resource: 'applications' }).ok).toBe(false);
  });
});
