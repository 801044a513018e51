import type { Instruction } from '../../api/plan.ts';
import type { TrackStatus } from '../../api/revision.ts';
import { routedWorkload } from '../application/plan-workloads.ts';
import { replicasOf } from '../application/revision.ts';
import { FULL, ZERO } from '../counts.ts';
import type { TrackEffect, TrackInput } from './input.ts';

interface WorkDecision {
  readonly track: TrackStatus;
  readonly effects: readonly TrackEffect[];
  readonly wakeAt: number | null;
}

type Work = NonNullable<TrackStatus['work']>;

/** A failed piece of work is tried again after this long. */
const RETRY_MS = 10_000;

/**
 * Work outside releases, one piece at a time and only while no release is active: deletion, what applies in
 * place, retiring warm revisions whose time is over, restarts. Each piece is one Execution under the track's own
 * epoch.
 */
export function decideWork(input: TrackInput, start: TrackStatus): WorkDecision {
  let track = start;
  let wakeAt: number | null = null;
  if (track.work !== null && track.work.execution !== '') {
    const phase = input.work?.phase;
    if (phase === 'Succeeded') track = finished(track, track.work);
    else if (phase === 'Failed' || phase === 'Refused' || phase === 'Cancelled') {
      const failedAt = Date.parse(input.work?.endedAt ?? '') || input.now;
      if (input.now < failedAt + RETRY_MS) return { track, effects: [], wakeAt: failedAt + RETRY_MS };
      track = { ...track, work: track.work.purpose === 'restart' ? null : { ...track.work, execution: '' } };
    } else {
      // Under way, or its object is missing: it was saved and not made.
      return {
        track,
        effects: input.work === undefined ? effectOf(input, track, track.work) : [],
        wakeAt: null,
      };
    }
  }
  if (track.active !== null) return { track, effects: [], wakeAt: null };
  if (track.work === null) {
    const next = nextWork(input, track);
    if (next === 'gone') return { track, effects: [{ type: 'removeTrack' }], wakeAt: null };
    if (next === null) {
      const times = track.warm.map((w) => Date.parse(w.expiresAt)).filter((at) => at > input.now);
      wakeAt = times.length === 0 ? null : Math.min(...times);
      return { track, effects: [], wakeAt };
    }
    track = { ...track, work: next };
  }
  if (track.work === null) return { track, effects: [], wakeAt };
  const epoch = track.epoch + 1;
  const work: Work = { ...track.work, execution: `${input.application}-${input.environment}-w${epoch}` };
  track = { ...track, epoch, work };
  return { track, effects: effectOf(input, track, work), wakeAt };
}

function nextWork(input: TrackInput, track: TrackStatus): Work | 'gone' | null {
  const work = (purpose: Work['purpose'], revision: string, applied: string | null = null): Work => ({
    execution: '',
    purpose,
    revision,
    applied,
    claim: null,
  });
  if (input.deleting) {
    const left = track.warm[0]?.revision ?? track.live;
    return left === null || left === undefined ? 'gone' : work('delete', left);
  }
  const expired = track.warm.find((w) => Date.parse(w.expiresAt) <= input.now);
  if (expired !== undefined) return work('retire', expired.revision);
  if (track.live !== null && input.wanted.ok && input.wanted.value.inPlace !== track.applied) {
    return work('inPlace', track.live, input.wanted.value.inPlace);
  }
  return null;
}

function finished(track: TrackStatus, work: Work): TrackStatus {
  switch (work.purpose) {
    case 'retire':
      return { ...track, work: null, warm: track.warm.filter((w) => w.revision !== work.revision) };
    case 'inPlace':
      return { ...track, work: null, applied: work.applied };
    case 'delete':
      return {
        ...track,
        work: null,
        warm: track.warm.filter((w) => w.revision !== work.revision),
        live: track.live === work.revision ? null : track.live,
      };
    case 'restart':
      return { ...track, work: null };
  }
}

function effectOf(input: TrackInput, track: TrackStatus, work: Work): TrackEffect[] {
  const revision = input.revisions[work.revision];
  if (revision === undefined) return [];
  const resolved = input.wanted.ok ? input.wanted.value.resolved : undefined;
  const running = revision.workloads.filter((w) => w.type !== 'migration');
  const routed = new Set(
    (resolved?.routes ?? []).map((route) =>
      resolved === undefined ? undefined : routedWorkload(route, resolved.workloads),
    ),
  );
  const instructions = running.flatMap((w) => instructionsOf(work.purpose, w, routed.has(w.name)));
  const wanted = resolved === undefined ? {} : replicasOf(resolved);
  const replicas = Object.fromEntries(running.map((w) => [w.name, wanted[w.name] ?? 0]));
  return [
    {
      type: 'createExecution',
      name: work.execution,
      purpose: work.purpose,
      revision: work.revision,
      epoch: track.epoch,
      sequence: 1,
      instructions,
      replicas,
    },
  ];
}

function instructionsOf(
  purpose: Work['purpose'],
  w: { name: string; type: string },
  routed: boolean,
): Instruction[] {
  const at = (verb: string) => `${w.name}/${verb}`;
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
  switch (purpose) {
    case 'retire':
      return [drain, remove];
    case 'delete': {
      if (w.type !== 'service') return [drain, remove];
      const unroute: Instruction = {
        id: at('remove-traffic'),
        needs: [],
        type: 'removeTraffic',
        workload: w.name,
      };
      return [unroute, { ...drain, needs: [unroute.id] }, remove];
    }
    case 'restart':
      return [{ id: at('restart'), needs: [], type: 'restartWorkload', side: 'to', workload: w.name }];
    case 'inPlace': {
      const ensure: Instruction = {
        id: at('ensure'),
        needs: [],
        type: 'ensureWorkload',
        side: 'to',
        workload: w.name,
        replicas: FULL,
      };
      const ready: Instruction = {
        id: at('ready'),
        needs: [ensure.id],
        type: 'awaitReady',
        side: 'to',
        workload: w.name,
        replicas: FULL,
      };
      if (!routed) return [ensure, ready];
      const weights = { kind: 'fixed' as const, from: 0, to: 100 };
      return [
        ensure,
        ready,
        { id: at('traffic'), needs: [ready.id], type: 'setTraffic', workload: w.name, weights },
        {
          id: at('prove-after'),
          needs: [at('traffic')],
          type: 'proveTraffic',
          when: 'after',
          side: 'to',
          workload: w.name,
          replicas: FULL,
          weights,
        },
      ];
    }
  }
}
