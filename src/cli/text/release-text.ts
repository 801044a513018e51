import type { Execution, GateRun, Receipt } from '../../api/execution.ts';
import type { Release } from '../../api/release.ts';
import { renderRelease } from '../progress/render-release.ts';
import { cleanLine } from '../terminal/clean.ts';
import type { Paint } from '../terminal/paint.ts';
import { receiptText } from './receipt-text.ts';
import { formatInstant, shortHash } from './words.ts';

export interface ReleaseParts {
  readonly release: Release;
  readonly executions: readonly Execution[];
  readonly gateRuns: readonly GateRun[];
  /** Absent before it has ended. */
  readonly receipt: Receipt | undefined;
}

/** All about one release: what happened stage by stage, the measured evidence, who did what. */
export function releaseText(parts: ReleaseParts, now: number, width: number, paint: Paint): string[] {
  const { release, executions, gateRuns, receipt } = parts;
  const { spec, status, metadata } = release;
  const facts = [
    `Release ${paint.strong(metadata.name)}${metadata.namespace === undefined ? '' : ` in namespace ${metadata.namespace}`}`,
    `  asked for by ${cleanLine(spec.requestedBy)}${spec.why === null ? '' : ` "${cleanLine(spec.why)}"`}${since(metadata.creationTimestamp, now)}`,
    `  ${spec.from ?? 'nothing'} → ${spec.to} · plan ${shortHash(spec.plan.hash)} · clusters ${spec.clusters.join(', ')} · Slipway ${spec.slipwayVersion}`,
    '',
  ];
  const conditions = (status?.conditions ?? []).map(
    (one) =>
      `  ${one.type} ${one.status} (${one.reason}) ${formatInstant(one.lastTransitionTime, now)}: ${cleanLine(one.message)}`,
  );
  const commands = (status?.commands ?? []).map(
    (one) =>
      `  ${formatInstant(one.at, now)} ${cleanLine(one.by)}: ${one.verb}${one.why === null ? '' : ` "${cleanLine(one.why)}"`}, ${cleanLine(one.outcome)}`,
  );
  return [
    ...facts,
    ...renderRelease(release, executions, gateRuns, now, width, paint),
    ...(receipt === undefined ? [] : ['', ...receiptText(metadata.name, receipt.spec, now, paint)]),
    ...(receipt !== undefined || commands.length === 0 ? [] : ['', 'Commands', ...commands]),
    ...(conditions.length === 0 ? [] : ['', 'Conditions', ...conditions]),
  ];
}

const since = (at: string | undefined, now: number): string =>
  at === undefined ? '' : ` at ${formatInstant(at, now)}`;
