import type { KindHooks } from './kind-hooks.ts';

/** Keeps a deleted Application until the controller has drained and removed what runs. */
export const DRAIN_FINALIZER = 'slipway.dev/drain';

export const applicationHooks: KindHooks = {
  prepare(object, { stored }) {
    if (stored !== undefined) return object;
    const others = (object.metadata.finalizers ?? []).filter((name) => name !== DRAIN_FINALIZER);
    return { ...object, metadata: { ...object.metadata, finalizers: [...others, DRAIN_FINALIZER] } };
  },
};
