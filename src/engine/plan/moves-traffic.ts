import type { Instruction } from '../../api/plan.ts';

/** Whether users may reach another version, or none, once it is carried out: the moment that the design calls flip. */
export const movesTraffic = ({ type }: Pick<Instruction, 'type'>): boolean =>
  type === 'setTraffic' || type === 'rollWorkload' || type === 'removeTraffic';
