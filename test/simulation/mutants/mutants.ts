import { AGENT_MUTANTS } from './agent-mutants.ts';
import { CLUSTER_MUTANTS } from './cluster-mutants.ts';
import { ENGINE_MUTANTS } from './engine-mutants.ts';
import { MANAGER_MUTANTS } from './manager-mutants.ts';
import type { Mutant } from './mutant.ts';
import { PLAN_MUTANTS } from './plan-mutants.ts';
import { TRAFFIC_MUTANTS } from './traffic-mutants.ts';

/** The deliberate bugs that the simulator must see. One line each in docs/simulation-mutants.md says after how many seeds. */
export const MUTANTS: readonly Mutant[] = [
  ...TRAFFIC_MUTANTS,
  ...PLAN_MUTANTS,
  ...AGENT_MUTANTS,
  ...MANAGER_MUTANTS,
  ...ENGINE_MUTANTS,
  ...CLUSTER_MUTANTS,
];
