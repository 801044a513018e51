import { alsoForChanges } from './change-verb.ts';
import { releaseVerb } from './release-verb.ts';

/** `slipway approve`: gives an approval. */
export const command = alsoForChanges(
  'approve',
  releaseVerb({
    verb: 'approve',
    description:
      'Give the approval that a release, or a change in place, waits for. It binds to what "slipway why" names.',
    example: 'slipway approve shop-production-r8 --why "looks good"',
    configure: (command) => command.option('--gate <name>', 'which approval, where several are open'),
    parameters: ({ gate }) => (typeof gate === 'string' ? { gate } : {}),
  }),
);
