import type { Gate } from '../../api/gate.ts';
import type { StrategyName } from '../../api/strategy.ts';
import type { Step } from '../strategies/step.ts';

/** Number of the first stage of a strategy that lets users reach the new version. */
export const firstUsersStage = (steps: readonly Step[]): number =>
  steps.findIndex(({ weights, roll }) => weights !== null || roll) + 1 || steps.length;

/**
 * Whether a shortened plan (a first release, a flip to a warm revision) must stop between the deployment and the
 * flip: for what the whole strategy asks before users come, and for what it asks of a version that runs.
 */
export const needsQuietMoment = (gates: readonly Gate[], usersFrom: number): boolean =>
  gates.some(({ before = 1, after }) => before > 1 || (after !== undefined && after < usersFrom));

/**
 * Warnings for gates that would tell a bad version from a good one and are all asked when users are on it. What
 * waits for a person or for time looks at those users, and is meant so.
 */
export function lateGates(
  gates: readonly Gate[],
  usersFrom: number,
  strategy: StrategyName,
): readonly string[] {
  const asking = gates.filter(({ http, command }) => http !== undefined || command !== undefined);
  const early = ({ before = 1, after }: Gate): boolean =>
    after === undefined ? before > 1 && before <= usersFrom : after < usersFrom;
  const late = asking.filter(({ after }) => after !== undefined);
  if (late.length === 0 || asking.some(early)) return [];
  const names = late.map(({ name }) => name).join(', ');
  const remedy =
    usersFrom > 1 ? `use after: ${usersFrom - 1}` : 'use scaled, blueGreen or custom with beta: true';
  return [
    `gate ${names} is asked only when users are on the new version: ${strategy} lets them in with stage ${usersFrom}; to ask before, ${remedy}`,
  ];
}
