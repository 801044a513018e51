import type { Count, Stage, Weights } from '../../api/plan.ts';
import { FULL, ZERO } from '../counts.ts';
import { getsTraffic, hadTraffic, type PlanWorkload, StageBuilder } from './stage-instructions.ts';

const TO_OLD: Weights = { kind: 'fixed', from: 100, to: 0 };

/**
 * The way back from any point of a release in flight: the old side's capacity first, then traffic, then the
 * new side goes. Level-triggered, so it is right wherever the way forward was cut off; what is so already
 * costs nothing. INV-1 asks health of the destination (the old side) alone: nothing here waits for the new one.
 *
 * The routes are those that stood before: orders of the way back carry them (ReleaseSpec, `routesFrom`).
 *
 * @param keepTo the new side was warm before the release began and stays so.
 */
export function turnBackStages(workloads: readonly PlanWorkload[], keepTo: boolean): Stage[] {
  const running = workloads.filter((w) => w.type !== 'migration');
  const old = running.filter((w) => w.inFrom);
  const fresh = running.filter((w) => w.inTo);
  const restore = new StageBuilder();
  const grown = old.flatMap((w) => {
    // A change of replicas that failed may have left more: nothing goes while users are on both sides.
    const ensured = restore.add(`${w.name}/ensure-old`, [], {
      type: 'ensureWorkload',
      side: 'from',
      workload: w.name,
      replicas: FULL,
      atLeast: true,
    });
    const ready = restore.add(`${w.name}/ready-old`, [ensured], {
      type: 'awaitReady',
      side: 'from',
      workload: w.name,
      replicas: FULL,
    });
    if (!hadTraffic(w)) return [ready];
    return [
      restore.add(`${w.name}/prove-old`, [ready], {
        type: 'proveTraffic',
        when: 'before',
        workload: w.name,
        side: 'from',
        replicas: FULL,
        weights: TO_OLD,
      }),
    ];
  });
  for (const w of old.filter(hadTraffic)) {
    const set = restore.add(`${w.name}/traffic-back`, grown, {
      type: 'setTraffic',
      workload: w.name,
      weights: TO_OLD,
    });
    restore.add(`${w.name}/prove-after`, [set], {
      type: 'proveTraffic',
      when: 'after',
      workload: w.name,
      side: 'from',
      replicas: FULL,
      weights: TO_OLD,
    });
  }
  // Nobody reached these before: the routes go, so that requests are refused clearly instead of timing out.
  const orphaned = fresh.filter((w) => getsTraffic(w) && !hadTraffic(w));
  const remove = new StageBuilder();
  const unrouted = orphaned.map((w) =>
    remove.add(`${w.name}/remove-traffic`, [], { type: 'removeTraffic', workload: w.name }),
  );
  const left: Count = keepTo ? FULL : ZERO;
  for (const w of fresh) {
    const drained = remove.add(`${w.name}/drain-new`, unrouted, {
      type: 'drain',
      side: 'to',
      workload: w.name,
      // A warm worker would work beside the old one.
      replicas: w.type === 'worker' ? ZERO : left,
    });
    if (!keepTo)
      remove.add(`${w.name}/remove-new`, [drained], { type: 'removeWorkload', side: 'to', workload: w.name });
  }
  // A migration that failed leaves its instance for people to look at, and one that was cut off may still run.
  for (const w of workloads.filter(({ type, inTo }) => type === 'migration' && inTo))
    remove.add(`${w.name}/remove-job`, [], { type: 'removeWorkload', side: 'to', workload: w.name });
  const stage = (
    number: number,
    title: string,
    builder: StageBuilder,
    flips: boolean,
    from: Count,
    to: Count,
  ): Stage => ({
    number,
    title,
    instructions: builder.instructions,
    advance: { kind: 'auto' },
    gatesBefore: [],
    gatesAfter: [],
    flips,
    result: running.map((w) => ({
      workload: w.name,
      from: w.inFrom ? from : ZERO,
      to: w.inTo ? to : ZERO,
      weights: hadTraffic(w) ? TO_OLD : null,
    })),
  });
  const stages: Stage[] = [];
  if (restore.instructions.length > 0) {
    stages.push(
      stage(1, 'old version at full strength, traffic back', restore, old.some(hadTraffic), FULL, FULL),
    );
  }
  const title = keepTo ? 'drain the new version, keep it warm' : 'drain and remove the new version';
  stages.push(stage(stages.length + 1, title, remove, false, FULL, left));
  return stages;
}
