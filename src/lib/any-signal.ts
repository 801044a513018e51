/** A signal that is aborted with the first of several, until it is disposed of. */
export interface AnySignal extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * As AbortSignal.any, for a scope that ends: what listens to the sources goes with it. Node keeps a composite signal
 * that somebody listens to until it is aborted (lib/internal/abort_controller.js, gcPersistentSignals), and with it
 * all that the listener reaches, although the scope is over and no source will ever be aborted.
 */
export function anySignal(sources: readonly AbortSignal[]): AnySignal {
  const controller = new AbortController();
  const aborts = sources.map((source) => () => controller.abort(source.reason));
  for (const [index, source] of sources.entries()) {
    if (source.aborted) aborts[index]?.();
    else source.addEventListener('abort', aborts[index] as () => void, { once: true });
  }
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const [index, source] of sources.entries())
        source.removeEventListener('abort', aborts[index] as () => void);
    },
  };
}
