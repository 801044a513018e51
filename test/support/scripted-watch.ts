import type { KubernetesObject, ResourceType } from '../../src/kubernetes/resource-type.ts';
import type { WatchStreamEvent } from '../../src/kubernetes/watch-stream.ts';
import type { Clock } from '../../src/lib/clock.ts';

export const PODS: ResourceType = {
  ...{ group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true },
};

/** What a connection does next: an event, a wait, an error, nothing for ever. At the end the server ends it. */
export type WatchStep = WatchStreamEvent<KubernetesObject> | { readonly waitMs: number } | Error | 'silence';

export const pod = (name: string, version: number, uid = `u-${name}`): KubernetesObject => ({
  metadata: { name, uid, resourceVersion: version.toString() },
});
export const event = (
  type: WatchStreamEvent<KubernetesObject>['type'],
  name: string,
  version: number,
): WatchStreamEvent<KubernetesObject> => ({ type, object: pod(name, version) });
export const bookmark = (version: number) => event('BOOKMARK', '', version);

/** Watches that play one script each, and then are silent; `asked` says from which versions and when. */
export function scriptedWatch(clock: Clock, scripts: readonly (readonly WatchStep[])[]) {
  const asked: { readonly from: string; readonly at: number; readonly timeoutSeconds: number }[] = [];
  async function* watch(
    _type: ResourceType,
    _selection: unknown,
    options: { resourceVersion: string; timeoutSeconds: number; signal: AbortSignal; heard?: () => void },
  ): AsyncGenerator<WatchStreamEvent<KubernetesObject>, void, undefined> {
    const { resourceVersion: from, timeoutSeconds, signal, heard } = options;
    const script = scripts[asked.push({ from, at: clock.monotonic(), timeoutSeconds }) - 1] ?? ['silence'];
    // A connection that never stands is one that is refused at once.
    if (!(script[0] instanceof Error)) heard?.();
    for (const step of script) {
      signal.throwIfAborted();
      if (step instanceof Error) throw step;
      if (step === 'silence') await clock.sleep(Number.MAX_SAFE_INTEGER, signal);
      else if ('waitMs' in step) await clock.sleep(step.waitMs, signal);
      else {
        heard?.();
        yield step;
      }
    }
  }
  return { watch, asked };
}
