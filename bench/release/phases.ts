import type { Execution } from '../../src/api/execution.ts';
import { median, rounded } from '../row.ts';

/** Where the time of one release went until its last flip, in ms by the type of the instruction. */
export type Phases = Readonly<Record<string, number>>;

/**
 * One workload's instructions follow each other, so their times add up; what is left is between them:
 * command, decision, commit, dispatch and report. Instants have the resolution of a millisecond.
 */
export function phasesOf(executions: readonly Execution[], startedAt: number, lastFlipAt: number): Phases {
  const phases: Record<string, number> = {};
  let inside = 0;
  for (const { spec, status } of executions) {
    for (const { id, startedAt: began, endedAt } of status?.instructions ?? []) {
      if (began === null || Date.parse(began) > lastFlipAt) continue;
      const until = Math.min(lastFlipAt, endedAt === null ? lastFlipAt : Date.parse(endedAt));
      const ms = until - Date.parse(began);
      const type = nameOf(spec.instructions.find((instruction) => instruction.id === id));
      phases[type] = (phases[type] ?? 0) + ms;
      inside += ms;
    }
  }
  return { ...phases, between: lastFlipAt - startedAt - inside };
}

const nameOf = (instruction: Execution['spec']['instructions'][number] | undefined): string =>
  instruction === undefined
    ? 'unknown'
    : instruction.type === 'proveTraffic'
      ? `prove ${instruction.when}`
      : instruction.type;

/** `awaitReady 310 · between 90 ms`, the largest median first. */
export function phaseWords(all: readonly Phases[]): string {
  const names = [...new Set(all.flatMap((phases) => Object.keys(phases)))];
  const medians = names.map((name) => ({ name, ms: median(all.map((phases) => phases[name] ?? 0)) }));
  return `${medians
    .sort((a, b) => b.ms - a.ms)
    .map(({ name, ms }) => `${name} ${rounded(ms, 0)}`)
    .join(' · ')} ms`;
}
