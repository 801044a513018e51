import { describe, expect, it } from 'vitest';
import { VirtualRelease } from '../../../test/support/virtual-release.ts';
import { releaseCan } from './capabilities.ts';
import { decide } from './decide.ts';

const signOff = { name: 'sign-off', after: 1, approval: {} };
const smoke = { name: 'smoke', after: 1, http: { path: '/version' } };

describe('reject', () => {
  it.each(['rollback', 'pause'])('turns the release back under policy %s, by who rejected', (onFailure) => {
    const release = new VirtualRelease({ application: { gates: [signOff], policy: { onFailure } } }).settle();
    expect(release.command('reject', {}, 'not today')?.state).toBe('done');
    release.settle();
    expect(release.status.phase).toBe('RolledBack');
    expect(release.status.turn).toMatchObject({ by: 'dana', why: 'not today' });
    expect(Object.values(release.gateRuns)[0]).toMatchObject({ state: 'done', verdict: 'fail', by: 'dana' });
  });
});

describe('what people said is told with who and why', () => {
  const failureOf = (why: string | null) => {
    const release = new VirtualRelease({ application: { gates: [signOff] } }).settle();
    release.command('reject', {}, why);
    return release.settle().status.failure?.message;
  };
  it.each([
    [null, 'sign-off was rejected by dana, who gave no reason'],
    [' ', 'sign-off was rejected by dana, who gave no reason'],
    ['not today', 'sign-off was rejected by dana: not today'],
  ])('reject for %j', (why, message) => expect(failureOf(why)).toBe(message));

  it.each([
    ['abort', 'not answered: the release was aborted by dana'],
    ['rollback', 'not answered: the release was turned back by dana'],
  ] as const)('an approval that %s left unanswered', (verb, message) => {
    const release = new VirtualRelease({ application: { gates: [signOff] } }).settle();
    release.command(verb);
    release.settle();
    expect(Object.values(release.gateRuns)[0]).toMatchObject({
      verdict: 'inconclusive',
      by: 'slipway',
      message,
    });
  });
});

describe('pause', () => {
  const working = () => {
    const release = new VirtualRelease();
    release.answer = () => undefined;
    return release.settle();
  };

  it('is told between the request and its effect, with the way to take it back', () => {
    const release = working();
    release.command('pause');
    expect(release.status.waiting.message).toMatch(/ · then pauses, as dana asked$/);
    expect(release.status.waiting.commands).toContain('slipway resume shop-local-r2');
    release.command('resume');
    expect(release.status.waiting.message).not.toContain('pauses');
  });

  it.each(['resume', 'promote'] as const)('of a person is offered resume, and %s ends it', (verb) => {
    const release = working();
    release.command('pause');
    release.answer = () => 'Succeeded';
    release.settle();
    expect(release.status.waiting).toMatchObject({
      message: 'Paused by dana: waiting for resume',
      commands: ['slipway resume shop-local-r2', 'slipway abort shop-local-r2'],
    });
    expect(release.command(verb)?.state).toBe('done');
    expect(release.settle().status.phase).toBe('Succeeded');
  });
});

describe('approvals', () => {
  const by = (asked: string) =>
    new VirtualRelease({ application: { gates: [{ ...signOff, approval: { by: asked } }] } }).settle();

  it.each([
    ['approve', 'releaser', ['developer'], 'refused'],
    ['reject', 'releaser', ['developer'], 'refused'],
    ['skip', 'releaser', ['developer'], 'refused'],
    ['approve', 'lee', ['releaser'], 'refused'],
    ['skip', 'lee', ['releaser'], 'refused'],
    ['approve', 'lee', ['admin'], 'done'],
    ['approve', 'dana', ['releaser'], 'done'],
    ['reject', 'lee,dana', ['releaser'], 'done'],
    ['skip', 'releaser', ['releaser'], 'done'],
  ] as const)('%s of one for %s by dana with %s is %s', (verb, asked, roles, state) => {
    const release = by(asked);
    expect(release.command(verb, { gate: 'sign-off' }, 'looked', roles)?.state).toBe(state);
    const run = Object.values(release.settle().gateRuns)[0];
    expect(run?.state === 'done').toBe(state === 'done');
  });

  it('of an environment are for those whom it names', () => {
    const release = new VirtualRelease({ approval: true }).settle();
    expect(release.command('approve', {}, null, ['developer'])?.message).toBe(
      'dana (developer) may not answer this approval: it is for anyone with role releaser',
    );
    expect(release.status.waiting).toMatchObject({ for: 'approval', who: 'anyone with role releaser' });
    expect(release.command('approve')?.state).toBe('done');
  });
});

describe('skip', () => {
  it('is offered for a gate alone, not for instructions that failed', () => {
    const release = new VirtualRelease({ application: { policy: { onFailure: 'pause' } } });
    release.answer = () => 'Failed';
    release.settle();
    expect(release.status.pause?.reason).toBe('failure');
    expect(releaseCan(release.spec, release.status).skip.allowed).toBe(false);
  });

  it('is offered while the agent that would ask is away', () => {
    const release = new VirtualRelease({ application: { gates: [smoke] } });
    release.answer = (order) => (order.instructions[0]?.type === 'runGate' ? undefined : 'Succeeded');
    release.settle();
    release.connected = [];
    release.settle();
    expect(release.status.waiting.for).toBe('agent');
    expect(release.command('skip', { gate: 'smoke' }, 'known')?.state).toBe('done');
  });

  it('does not end a pause that a person asked for', () => {
    const gates = [{ name: 'sign-off', before: 1, approval: {} }];
    const release = new VirtualRelease({ application: { gates } }).settle();
    release.command('pause');
    expect(release.settle().status.pause?.reason).toBe('requested');
    release.command('skip', { gate: 'sign-off' }, 'because');
    expect(release.settle().status.pause?.reason).toBe('requested');
  });
});

describe('what is left of gates', () => {
  it('an approval that nobody gave before the release turned back does not stay open', () => {
    const release = new VirtualRelease({ application: { gates: [signOff] } }).settle();
    release.command('abort');
    release.settle();
    expect(Object.values(release.gateRuns).map((run) => run.state)).toEqual(['done']);
    expect(Object.values(release.gateRuns)[0]?.verdict).toBe('inconclusive');
  });

  it('an end that was lost between saving and acting is written again', () => {
    const release = new VirtualRelease({ application: { gates: [signOff] } }).settle();
    release.command('approve');
    release.settle();
    for (const run of Object.values(release.gateRuns)) run.state = 'pending';
    release.decide();
    expect(Object.values(release.gateRuns)[0]).toMatchObject({ state: 'done', verdict: 'pass', by: 'dana' });
  });

  it('an order still under way when the release ends is called off by a higher epoch (INV-20)', () => {
    const release = new VirtualRelease({
      application: { gates: [{ ...smoke, after: undefined, before: 1 }] },
    });
    release.answer = () => undefined;
    release.settle();
    release.command('abort');
    expect(release.status).toMatchObject({ phase: 'Aborted', epoch: 2 });
  });
});

describe('answers', () => {
  it('a command that comes again has the same answer, word for word', () => {
    const release = new VirtualRelease();
    const command = { uid: 'u', verb: 'promote', by: 'dana', at: '', why: null, parameters: {} } as const;
    const input = {
      name: 'x',
      spec: release.spec,
      status: release.status,
      supersededBy: null,
      executions: {},
      gateRuns: {},
      commands: [command],
      connected: [],
      now: 5,
    };
    const once = decide(input);
    expect(decide({ ...input, status: once.status }).replies).toEqual(once.replies);
  });

  it('a retried stage does not keep the words of its failure', () => {
    const release = new VirtualRelease({ application: { gates: [smoke], policy: { onFailure: 'pause' } } });
    release.verdict = () => 'fail';
    release.settle();
    release.verdict = () => 'pass';
    release.command('retry');
    release.settle();
    expect(release.status.stages[0]).toMatchObject({ state: 'done', message: null });
  });

  it('rollback of a first release is refused: there is nothing to go to', () => {
    const release = new VirtualRelease({ from: false }).settle();
    expect(releaseCan(release.spec, release.status).rollback.allowed).toBe(false);
  });
});
