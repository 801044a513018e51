import { releaseVerb } from './release-verb.ts';

/** `slipway approve`: gives an approval. */
export const command = releaseVerb({
  verb: 'approve',
  description: 'Give the approval that a release waits for. It binds to the plan that "slipway why" names.',
  example: 'slipway approve shop-production-r8 --why "looks good"',
  configure: (command) => command.option('--gate <name>', 'which approval, where several are open'),
  parameters: ({ gate }) => (typeof gate === 'string' ? { gate } : {}),
});
