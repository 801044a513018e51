import type { ExecutionSpec } from '../../../src/api/execution.ts';
import { executionSpec, FULL, revision, shiftInstructions, ZERO } from '../../support/execution-orders.ts';

/** r1 from nothing. */
export const firstRelease = (replicas: number): ExecutionSpec =>
  executionSpec(
    shiftInstructions(FULL, ZERO).filter(({ id }) => id !== 'drain'),
    {
      release: 'shop-local-r1',
      subject: 'release/default/shop-local-r1',
      from: null,
      to: revision(1),
      replicas: { shop: replicas },
    },
  );
