import assert from 'node:assert/strict';
import type { WorkloadProblem } from '../cluster-driver.ts';
import { type AdapterCase, type Bench, ids, refused } from './base-conformance.ts';

const problem = (bench: Bench, reason: WorkloadProblem['reason'], final: boolean) =>
  bench.seen(
    'r1',
    `${reason}${final ? ', final' : ''}`,
    (seen) => seen.problem?.reason === reason && (seen.problem.final || !final),
  );

/** Instances that do not come up, do not stay, or say more than they do. */
export const failureConformance: readonly AdapterCase[] = [
  {
    name: 'an instance that dies is replaced, the others stay',
    async run(bench) {
      await bench.want('r1', 2);
      const before = await bench.serving('r1', 2);
      const [dead = '', other = ''] = ids(before);
      await bench.adapter.killInstance(dead);
      const after = await bench.seen(
        'r1',
        'the dead one is replaced',
        (seen) =>
          seen.proven === 2 && !ids(seen).includes(dead) && seen.instances.every(({ admitted }) => admitted),
      );
      const restarts = new Map(after.instances.map((each) => [each.id, each.restarts]));
      assert.equal(restarts.get(other), 0);
      assert.deepEqual([...restarts.values()].toSorted(), [0, 1]);
      // Nobody asked it to go, so nothing was drained.
      assert.deepEqual(after.drains, []);
    },
  },
  {
    name: 'a crash at every start is a crash loop, and final after a while',
    async run(bench) {
      await bench.want('r1', 1, { behaviour: 'crashesAtStart' });
      const seen = await problem(bench, 'crashLoop', true);
      assert.deepEqual([seen.wanted, seen.ready, seen.proven], [1, 0, 0]);
      assert.notEqual(seen.problem?.message, '');
      assert.ok(Number.isFinite(Date.parse(seen.problem?.since ?? '')));
    },
  },
  {
    name: 'a new order begins without the failures of the one before',
    async run(bench) {
      await bench.want('r1', 1, { behaviour: 'crashesAtStart' });
      await problem(bench, 'crashLoop', true);
      await bench.want('r1', 1, { fence: { epoch: 2 } });
      assert.equal((await bench.driver.observe(bench.key('r1')))?.problem, null);
      await bench.serving('r1', 1);
    },
  },
  {
    name: 'who is not wanted any more is no problem',
    async run(bench) {
      await bench.want('r1', 1, { behaviour: 'crashesAtStart' });
      await problem(bench, 'crashLoop', true);
      await bench.want('r1', 0);
      assert.equal((await bench.empty('r1')).problem, null);
    },
  },
  {
    name: 'an instance that is never ready is given up after its start timeout and tried once more, then that is final',
    async run(bench) {
      const { readiness } = bench.adapter.spec(bench.version('r1'), 'neverReady');
      assert.ok(readiness !== undefined);
      await bench.want('r1', 1, {
        behaviour: 'neverReady',
        spec: { readiness: { ...readiness, startTimeout: '1500ms' } },
      });
      const [first = ''] = ids(await bench.seen('r1', 'one is there', (seen) => seen.instances.length === 1));
      const again = await bench.seen('r1', 'a second attempt', (seen) =>
        seen.instances.some(({ id }) => id !== first),
      );
      assert.deepEqual([again.problem?.reason, again.problem?.final], ['startTimeout', false]);
      const seen = await problem(bench, 'startTimeout', true);
      assert.deepEqual([seen.ready, seen.proven], [0, 0]);
    },
  },
  {
    name: 'an instance that answers its probe and nothing else is ready, never proven, never given traffic',
    async run(bench) {
      await bench.want('r1', 1, { behaviour: 'answersItsProbeOnly' });
      const seen = await problem(bench, 'proofFailed', false);
      assert.deepEqual([seen.ready, seen.proven], [1, 0]);
      assert.deepEqual(
        seen.instances.map(({ state, admitted }) => [state, admitted]),
        [['ready', false]],
      );
      refused(await bench.traffic({ r1: 100 }), /INV-1/);
      const [id] = ids(seen);
      const final = await problem(bench, 'proofFailed', true);
      assert.deepEqual(ids(final), [id], 'it is not restarted for that');
      assert.equal(final.proven, 0);
    },
  },
  {
    name: 'a job runs once, and its end is kept until it is removed',
    async run(bench) {
      await bench.want('r1', 1, { behaviour: 'jobThatSucceeds' });
      const ended = await bench.seen('r1', 'ended', (seen) => seen.instances[0]?.state === 'exited');
      assert.deepEqual(
        ended.instances.map(({ exitCode }) => exitCode),
        [0],
      );
      assert.equal(ended.problem, null);
      await bench.want('r1', 1, { behaviour: 'jobThatSucceeds' });
      assert.deepEqual(ids(await bench.seen('r1', 'is there', () => true)), ids(ended));
      await bench.driver.removeWorkload(bench.key('r1'));
      await bench.forgotten('r1');
      await bench.want('r1', 1, { behaviour: 'jobThatSucceeds' });
      const anew = await bench.seen('r1', 'ended again', (seen) => seen.instances[0]?.state === 'exited');
      assert.notDeepEqual(ids(anew), ids(ended));
    },
  },
  {
    name: 'a job that fails is not tried again, and is a final problem as soon as its end is seen',
    async run(bench) {
      await bench.want('r1', 1, { behaviour: 'jobThatFails' });
      const seen = await bench.seen('r1', 'ended', ({ instances }) => instances[0]?.state === 'exited');
      assert.deepEqual([seen.problem?.reason, seen.problem?.final], ['crashLoop', true]);
      assert.deepEqual(
        seen.instances.map(({ state, exitCode }) => [state, exitCode]),
        [['exited', 3]],
      );
      await bench.want('r1', 1, { behaviour: 'jobThatFails', fence: { epoch: 2 } });
      assert.deepEqual(ids(await bench.seen('r1', 'is there', () => true)), ids(seen));
    },
  },
];
