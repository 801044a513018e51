import type { InstructionContext } from '../context.ts';

/**
 * Waits until every table that was written is in force: within the router's lag an older one may still show
 * itself, also after a newer one (INV-3). Our own router has none.
 */
export async function waitOutLag(context: InstructionContext): Promise<void> {
  const { clock, trafficRouter } = context.ports;
  if (trafficRouter.lagMs > 0) await clock.sleep(trafficRouter.lagMs, context.signal);
}
