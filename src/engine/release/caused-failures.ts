import type { InstructionStatus } from '../../api/execution.ts';
import type { Instruction } from '../../api/plan.ts';
import { TrafficTotals } from '../../api/release.ts';
import { versionName } from '../application/revision.ts';
import type { Draft } from './draft.ts';
import { executionName } from './input.ts';
import { latestByCluster, sumOf, sumOfCauses } from './latest-traffic.ts';

/** Failed requests, and the same by cause. */
export interface Failures {
  readonly failed: number;
  readonly causes: Readonly<Record<string, number>>;
}

/**
 * Failures that the release caused:
 *
 *   new version            every one
 *   old version            cut or refused because its instances are ended; not what they do by themselves
 *   nobody answered        once the first flip is in force: before that, only the old version could have
 *
 * A stable version that fails by itself blocks no release, its own repair least of all (peers.md row 5). What
 * stood at the flip was read by the agent as the flip was written; later reports of the manager hold what failed
 * between, which is the old version's as well. `ended`: of them, those inside instances that were ended.
 */
export function causedBy(draft: Draft, traffic: TrafficTotals): Failures & { readonly ended: number } {
  const { status } = draft;
  const now = charged(draft, traffic);
  const old = sumOfCauses(now.causes, status.untouchedCauses, -1);
  const causes = sumOfCauses(old, newOnes(draft, traffic).causes);
  return {
    failed: now.failed + newOnes(draft, traffic).failed - status.untouchedFailures,
    causes: Object.fromEntries(Object.entries(causes).filter(([, n]) => n > 0)),
    // Nobody answered: that is no request inside.
    ended: Math.max(0, old.cut ?? 0) + Math.max(0, old.reset ?? 0),
  };
}

/** Until the first flip is in force in every cluster, what counts as untouched rises with the counts. */
export function noteFlip(draft: Draft): void {
  const { status, spec } = draft;
  if (status.moved === true) return;
  const flips = flipsByCluster(draft);
  const latest = latestByCluster(draft.input);
  const counts = spec.clusters.flatMap((cluster) => flips.get(cluster) ?? latest.get(cluster) ?? []);
  const { failed, causes } = charged(draft, sumOf(counts));
  status.untouchedFailures = failed;
  status.untouchedCauses = causes;
  if (spec.clusters.every((cluster) => flips.has(cluster))) status.moved = true;
}

/** Of all but the new version: what can be the doing of whoever moves traffic and ends instances. */
function charged(draft: Draft, traffic: TrafficTotals): Failures {
  const fresh = newOnes(draft, traffic);
  let failed = traffic.failed - fresh.failed;
  let causes = sumOfCauses(traffic.failures, fresh.causes, -1);
  for (const [version, { byItself = {} }] of Object.entries(traffic.byVersion)) {
    if (newVersions(draft).has(version)) continue;
    failed -= Object.values(byItself).reduce((sum, n) => sum + n, 0);
    causes = sumOfCauses(causes, byItself, -1);
  }
  return { failed, causes };
}

function newOnes(draft: Draft, traffic: TrafficTotals): Failures {
  const versions = [...newVersions(draft)].flatMap((version) => traffic.byVersion[version] ?? []);
  return {
    failed: versions.reduce((sum, { failed }) => sum + failed, 0),
    causes: versions.reduce((sum, { failures }) => sumOfCauses(sum, failures), {}),
  };
}

function newVersions({ spec }: Draft): ReadonlySet<string> {
  const number = Number(/-r(\d+)$/.exec(spec.to)?.[1]);
  return new Set(spec.workloads.map(({ name }) => versionName(name, number)));
}

/** Cluster → what its entry had counted when the first flip was in force; clusters without a flip are missing. */
export function flipsByCluster(draft: Draft): ReadonlyMap<string, TrafficTotals> {
  const { input, spec, status, stage, stageStatus } = draft;
  // An order that failed and was retried may have moved it already.
  const flips = new Map<string, TrafficTotals>(Object.entries(stageStatus?.earlier?.counted ?? {}));
  if (status.step !== 'instructions' || stage === undefined) return flips;
  const latest = latestByCluster(input);
  for (const cluster of spec.clusters) {
    const name = executionName(input.name, status.epoch, status.sequence, cluster, spec.clusters);
    const reports = new Map(input.executions[name]?.instructions.map((report) => [report.id, report]));
    const moved = firstMoves(stage.instructions, reports);
    if (moved === null || flips.has(cluster)) continue;
    const counted = moved.flatMap(({ evidence }) => TrafficTotals.safeParse(evidence.counted).data ?? []);
    // Of several workloads the last: until then one of them may have had nobody but its old version.
    const last = counted.toSorted((a, b) => a.requests - b.requests).at(-1);
    flips.set(cluster, last ?? latest.get(cluster) ?? sumOf([]));
  }
  return flips;
}

/**
 * The writes by which traffic first moves; null while it has not. Flips of a stage wait for each other, so each
 * workload's first one is looked at; a rolling update moves its own as it goes.
 */
function firstMoves(
  ordered: readonly Instruction[],
  reports: ReadonlyMap<string, InstructionStatus>,
): InstructionStatus[] | null {
  const moved: InstructionStatus[] = [];
  const waitsFor = new Set<string>();
  const seen = new Set<string>();
  let rolls = false;
  for (const each of ordered) {
    if (each.type !== 'setTraffic' && each.type !== 'rollWorkload' && each.type !== 'removeTraffic') continue;
    const report = reports.get(each.id);
    if (report !== undefined && hasMoved(report)) {
      if (!seen.has(each.workload)) moved.push(report);
      seen.add(each.workload);
      rolls ||= each.type === 'rollWorkload';
    } else waitsFor.add(each.workload);
  }
  const open = [...waitsFor].filter((workload) => !seen.has(workload));
  return moved.length > 0 && (open.length === 0 || rolls) ? moved : null;
}

/** In force: at the end of the write, or as soon as a rolling update says what stood at its first one. */
const hasMoved = ({ state, startedAt, evidence }: InstructionStatus): boolean =>
  evidence.counted !== undefined ||
  !(state === 'running' || state === 'pending' || (state === 'cancelled' && startedAt === null));
