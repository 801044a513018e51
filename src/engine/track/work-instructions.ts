import type { Instruction } from '../../api/plan.ts';
import type { TrackStatus } from '../../api/revision.ts';
import { FULL, ZERO } from '../counts.ts';

type Work = NonNullable<TrackStatus['work']>;

/**
 * The instructions of one piece of work outside releases for one workload. The revision stands on side `to`.
 *
 * @param unsettled a way back failed: users are on both sides, and nothing of what is live goes before all of them
 *   are on it
 */
export function workInstructions(
  purpose: Work['purpose'],
  w: { readonly name: string; readonly type: string },
  routed: boolean,
  unsettled: boolean,
): Instruction[] {
  const at = (verb: string) => `${w.name}/${verb}`;
  // Its job is over, or was cut off with a way back that failed, and may still run.
  if (w.type === 'migration') {
    if (purpose !== 'retire' && purpose !== 'delete') return [];
    return [{ id: at('remove-job'), needs: [], type: 'removeWorkload', side: 'to', workload: w.name }];
  }
  const drain: Instruction = {
    id: at('drain'),
    needs: [],
    type: 'drain',
    side: 'to',
    workload: w.name,
    replicas: ZERO,
  };
  const remove: Instruction = {
    id: at('remove'),
    needs: [at('drain')],
    type: 'removeWorkload',
    side: 'to',
    workload: w.name,
  };
  const unroute = (needs: string[]): Instruction => ({
    id: at('remove-traffic'),
    needs,
    type: 'removeTraffic',
    workload: w.name,
  });
  switch (purpose) {
    case 'retire':
      return [drain, remove];
    case 'delete':
      return w.type === 'service'
        ? [unroute([]), { ...drain, needs: [at('remove-traffic')] }, remove]
        : [drain, remove];
    case 'restart':
      return [{ id: at('restart'), needs: [], type: 'restartWorkload', side: 'to', workload: w.name }];
    case 'inPlace': {
      const size = { side: 'to' as const, workload: w.name, replicas: FULL };
      const ensure: Instruction = { ...size, id: at('ensure'), needs: [], type: 'ensureWorkload' };
      const ready: Instruction = { ...size, id: at('ready'), needs: [ensure.id], type: 'awaitReady' };
      if (!routed) return w.type === 'service' ? [ensure, ready, unroute([ready.id])] : [ensure, ready];
      const weights = { kind: 'fixed' as const, from: 0, to: 100 };
      const settled: Instruction = { ...ensure, id: at('size'), needs: [at('prove-after')] };
      return [
        unsettled ? { ...ensure, atLeast: true } : ensure,
        ready,
        { id: at('traffic'), needs: [ready.id], type: 'setTraffic', workload: w.name, weights },
        {
          ...size,
          id: at('prove-after'),
          needs: [at('traffic')],
          type: 'proveTraffic',
          when: 'after',
          weights,
        },
        ...(unsettled ? [settled] : []),
      ];
    }
  }
}
