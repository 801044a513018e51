import { describe, expect, it } from 'vitest';
import { VirtualRelease } from '../../../test/support/virtual-release.ts';
import { decide } from './decide.ts';

const smoke = { gates: [{ name: 'smoke', after: 1, http: { path: '/version' } }] };
const totals = (failed: number, version: string) => ({
  requests: 100,
  failed,
  failures: { reset: failed },
  byVersion: { [version]: { requests: 100, failed } },
});

describe('forward', () => {
  it('scaled goes through its three stages and succeeds', () => {
    const release = new VirtualRelease({ application: smoke }).settle();
    expect(release.status.phase).toBe('Succeeded');
    expect(release.orders.map((order) => [order.stage, order.instructions[0]?.type])).toEqual([
      [1, 'ensureWorkload'],
      [1, 'runGate'],
      [2, 'ensureWorkload'],
      [3, 'ensureWorkload'],
    ]);
  });

  it('orders the next stage only after the one before is done (INV-15)', () => {
    const release = new VirtualRelease();
    release.answer = () => undefined;
    release.settle();
    expect(release.orders).toHaveLength(1);
    expect(release.status.phase).toBe('Progressing');
  });

  it('makes an order again when it was lost between saving and acting', () => {
    const release = new VirtualRelease();
    const first = release.decide();
    const name = first.effects[0]?.type === 'createExecution' ? first.effects[0].name : '';
    delete release.executions[name];
    expect(release.decide().effects.map((effect) => 'name' in effect && effect.name)).toEqual([name]);
  });

  it('decides the same from the same input (INV-17)', () => {
    const release = new VirtualRelease({ application: smoke });
    const input = {
      name: 'x',
      spec: release.spec,
      status: release.status,
      supersededBy: null,
      executions: {},
      gateRuns: {},
      commands: [],
      connected: [],
      now: 5,
    };
    expect(decide(input)).toEqual(decide(structuredClone(input)));
  });
});

describe('pauses and gates', () => {
  it('blueGreen pauses after 1 and 2 and goes on by promote', () => {
    const release = new VirtualRelease({
      strategy: { blueGreen: { pause: [1, 2], retention: { time: '30m', count: 1 } } },
    }).settle();
    expect(release.status.waiting).toMatchObject({
      for: 'promotion',
      commands: ['slipway promote shop-local-r2', 'slipway abort shop-local-r2'],
    });
    expect(release.status.flipped).toBe(false);
    expect(release.status.stages[0]?.state).toBe('waiting');
    release.command('promote');
    release.settle();
    expect(release.status.flipped).toBe(true);
    expect(release.status.phase).toBe('Paused');
    release.command('promote');
    expect(release.settle().status.phase).toBe('Succeeded');
  });

  it('a pause that nobody ends turns the release back after its expiry', () => {
    const release = new VirtualRelease({
      strategy: { blueGreen: { pause: [1], retention: { time: '30m', count: 1 } } },
    }).settle();
    release.later(24 * 3_600_000).settle();
    expect(release.status.phase).toBe('Aborted');
  });

  // Seen in seed 723 of the simulator: the store was away when the GateRun was to be made.
  it('a soak that was over before its GateRun was made says so in it', () => {
    const watch = { gates: [{ name: 'watch', after: 1, soak: { duration: '30s' } }] };
    const release = new VirtualRelease({ application: watch }).settle();
    for (const name of Object.keys(release.gateRuns)) delete release.gateRuns[name];
    release.later(30_000).decide();
    expect(Object.values(release.gateRuns)).toMatchObject([{ state: 'done', verdict: 'pass', by: 'clock' }]);
  });

  it('an approval names who may give it, and expires', () => {
    const release = new VirtualRelease({ approval: true }).settle();
    expect(release.status.phase).toBe('Paused');
    expect(release.status.waiting).toMatchObject({
      for: 'approval',
      who: 'anyone with role releaser',
      onExpiry: 'aborts',
    });
    expect(release.orders).toHaveLength(0);
    expect(release.command('approve')?.state).toBe('done');
    expect(release.settle().status.phase).toBe('Succeeded');
    const other = new VirtualRelease({ approval: true }).settle();
    expect(other.later(24 * 3_600_000).settle().status.phase).toBe('Aborted');
  });

  it.each(['fail', 'inconclusive'] as const)(
    'a gate that is %s turns the release back before users saw it',
    (verdict) => {
      const release = new VirtualRelease({ application: smoke });
      release.verdict = () => verdict;
      release.settle();
      expect(release.status.phase).toBe('RolledBack');
      expect(release.status.flipped).toBe(false);
    },
  );

  it('policy pause stops at the failure; retry asks again', () => {
    const release = new VirtualRelease({ application: { ...smoke, policy: { onFailure: 'pause' } } });
    release.verdict = () => 'fail';
    release.settle();
    expect(release.status.waiting.message).toContain('gate smoke failed');
    expect(release.command('promote')?.state).toBe('refused');
    release.verdict = () => 'pass';
    release.command('retry');
    expect(release.settle().status.phase).toBe('Succeeded');
  });

  it('skip needs a reason and passes the gate', () => {
    const release = new VirtualRelease({ application: { ...smoke, policy: { onFailure: 'pause' } } });
    release.verdict = () => 'fail';
    release.settle();
    expect(release.command('skip', { gate: 'smoke' })?.state).toBe('refused');
    expect(release.command('skip', { gate: 'smoke' }, 'known to be wrong')?.state).toBe('done');
    expect(release.settle().status.phase).toBe('Succeeded');
  });

  it('a command whose outcome nobody knows waits for a person (INV-14)', () => {
    const release = new VirtualRelease({
      application: { gates: [{ name: 'migrate', after: 1, command: { argv: ['x'] } }] },
    });
    release.verdict = () => 'unknown';
    release.settle();
    expect(release.status.phase).toBe('Paused');
    expect(release.status.failure?.reason).toBe('gateUnknown');
  });
});

describe('a job whose outcome nobody knows', () => {
  it('waits for a person instead of turning back (INV-14)', () => {
    const release = new VirtualRelease();
    release.answer = () => undefined;
    release.settle();
    const order = release.orders[0];
    const execution = order === undefined ? undefined : release.executions[order.name];
    if (execution === undefined) throw new Error('no order');
    execution.phase = 'Failed';
    execution.failure = {
      reason: 'unknownOutcome',
      message: 'the agent stopped while it ran',
      affects: '',
      next: '',
      instruction: null,
    };
    release.settle();
    expect(release.status.phase).toBe('Paused');
    expect(release.status.pause?.reason).toBe('unknown');
  });
});

describe('turning back', () => {
  it('abort before anything began changes nothing (INV-9)', () => {
    const release = new VirtualRelease();
    release.command('abort');
    expect(release.status.phase).toBe('Aborted');
    expect(release.orders).toHaveLength(0);
  });

  it.each([1, 2, 3])(
    'abort at stage %i: capacity, then traffic, then removal, at a higher epoch (INV-20)',
    (stage) => {
      const release = new VirtualRelease();
      release.answer = (order) => (order.stage === stage && order.epoch === 1 ? undefined : 'Succeeded');
      release.settle();
      release.command('abort');
      release.answer = () => 'Succeeded';
      release.settle();
      expect(release.status.phase).toBe('Aborted');
      const back = release.orders
        .filter((order) => order.epoch === 2)
        .flatMap((order) => order.instructions.map((i) => i.type));
      expect(back).toEqual([
        'ensureWorkload',
        'awaitReady',
        'proveTraffic',
        'setTraffic',
        'proveTraffic',
        'drain',
        'removeWorkload',
      ]);
      const first = release.orders.findIndex((order) => order.epoch === 2);
      expect(release.orders.slice(first).every((order) => order.epoch === 2)).toBe(true);
    },
  );

  it('the first failed request on the new version turns it back', () => {
    const release = new VirtualRelease();
    release.answer = (order) => (order.stage === 2 && order.epoch === 1 ? undefined : 'Succeeded');
    release.settle();
    release.traffic(totals(1, 'shop-r2'));
    release.settle();
    expect(release.status.phase).toBe('RolledBack');
    expect(release.status.failure?.reason).toBe('failedRequests');
  });

  it('a stable version that fails by itself before anything moved blocks nothing (peers.md row 5)', () => {
    const release = new VirtualRelease();
    release.answer = (order) => (order.stage === 1 ? undefined : 'Succeeded');
    release.settle();
    release.traffic(totals(7, 'shop-r1'));
    release.answer = () => 'Succeeded';
    expect(release.settle().status.phase).toBe('Succeeded');
  });

  it('a way back that fails ends as Failed and says so', () => {
    const release = new VirtualRelease();
    release.answer = (order) => (order.stage === 2 || order.epoch === 2 ? 'Failed' : 'Succeeded');
    release.settle();
    expect(release.status.phase).toBe('Failed');
    expect(release.status.waiting.message).toContain('Failed while turning back');
  });

  it('a newer release supersedes it', () => {
    const release = new VirtualRelease();
    release.answer = (order) => (order.epoch === 1 ? undefined : 'Succeeded');
    release.settle();
    release.supersededBy = 'shop-local-r3';
    expect(release.settle().status.phase).toBe('Superseded');
  });

  it('a first release that is aborted takes its routes away before its instances', () => {
    const release = new VirtualRelease({ from: false });
    release.answer = (order) => (order.epoch === 1 ? undefined : 'Succeeded');
    release.settle();
    release.command('abort');
    release.settle();
    expect(release.orders.at(-1)?.instructions.map((i) => i.type)).toEqual([
      'removeTraffic',
      'drain',
      'removeWorkload',
    ]);
  });
});

describe('a flip is known by what the instruction does', () => {
  const renamed = (more: ConstructorParameters<typeof VirtualRelease>[0] = {}) => {
    const release = new VirtualRelease(more);
    for (const stage of release.spec.plan.stages)
      for (const instruction of stage.instructions) {
        instruction.id = `step-${instruction.id.replaceAll('/', '-')}`;
        instruction.needs = instruction.needs.map((need) => `step-${need.replaceAll('/', '-')}`);
      }
    return release;
  };

  it('whatever its id is', () => {
    const release = renamed();
    release.answer = (order) => (order.stage < 2 ? 'Succeeded' : undefined);
    expect(release.settle().status.flipped).toBe(true);
    release.answer = () => 'Succeeded';
    release.settle();
    expect(release.status.stages[1]?.flip).toMatchObject({ flipMs: 0.3 });
    expect(release.status.stages[2]?.drain).not.toBeNull();
  });

  it('and so is the end of a service’s routes', () => {
    const release = new VirtualRelease();
    const [stage] = release.spec.plan.stages;
    if (stage !== undefined)
      stage.instructions = [{ id: 'shop/leave', needs: [], type: 'removeTraffic', workload: 'shop' }];
    release.answer = () => undefined;
    expect(release.settle().status.flipped).toBe(true);
  });
});
