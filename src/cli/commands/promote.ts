import { releaseVerb } from './release-verb.ts';

/** `slipway promote`: ends the pause after a stage. */
export const command = releaseVerb({
  verb: 'promote',
  description: 'Go on from a pause of the plan to the next stage.',
  example: 'slipway promote shop-local-r2 --watch',
  configure: (command) => command.option('--full', 'go on to the end without the pauses that are left'),
  parameters: ({ full }) => (full === true ? { full: true } : {}),
});
