import { describe, expect, it } from 'vitest';
import { approversInWords, whyNotApprover } from './approvers.ts';

describe('who may answer an approval', () => {
  it.each([
    ['the role', 'releaser', { by: 'dana', roles: ['releaser'] }, true],
    ['another role', 'releaser', { by: 'dana', roles: ['developer'] }, false],
    ['a higher role', 'developer', { by: 'dana', roles: ['releaser'] }, true],
    ['a program', 'viewer', { by: 'agent-1', roles: ['agent'] }, false],
    ['the person', 'dana', { by: 'dana', roles: ['releaser'] }, true],
    ['somebody else', 'dana', { by: 'eve', roles: ['releaser'] }, false],
    ['an admin, always', 'dana', { by: 'root', roles: ['admin'] }, true],
    ['one of several', 'dana, lee', { by: 'lee', roles: ['releaser'] }, true],
    ['a role among several', 'dana,releaser', { by: 'eve', roles: ['releaser'] }, true],
    ['a person who is called like a role', 'admin', { by: 'admin', roles: ['releaser'] }, false],
    ['nobody known', 'releaser', { by: 'dana' }, false],
    ['nobody at all', ' , ', { by: '', roles: ['releaser'] }, false],
  ])('%s', (_, asked, approver, may) => {
    expect(whyNotApprover(asked, approver) === null).toBe(may);
  });

  it('says who may', () => {
    expect(whyNotApprover('dana,releaser', { by: 'eve', roles: ['developer'] })).toBe(
      'eve (developer) may not answer this approval: it is for dana or anyone with role releaser',
    );
    expect(approversInWords('releaser')).toBe('anyone with role releaser');
  });
});
