import type { Track } from '../api/revision.ts';
import type { KindHooks } from './kind-hooks.ts';

/**
 * An environment says in which clusters its applications stand and who must approve what changes there. While
 * anything stands in it, it stays: nobody could release, scale or approve there any more.
 */
export const environmentHooks: KindHooks = {
  async refuseRemoval({ metadata }, { store }) {
    const { items } = await store.list<Track>('Track', { namespace: metadata.namespace });
    const names = items
      .filter(({ spec }) => spec.environment === metadata.name)
      .map(({ spec }) => spec.application)
      .sort();
    if (names.length === 0) return null;
    const [first] = names;
    return {
      message: `environment ${metadata.name} still has ${names.join(', ')}: what runs there would have no owner`,
      next: `slipway delete application ${first} -e ${metadata.name}, and delete the environment when it is gone`,
    };
  },
};
