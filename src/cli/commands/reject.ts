import { alsoForChanges } from './change-verb.ts';
import { releaseVerb } from './release-verb.ts';

/** `slipway reject`: refuses an approval. */
export const command = alsoForChanges(
  'reject',
  releaseVerb({
    verb: 'reject',
    description: 'Refuse the approval that a release, or a change in place, waits for; a release turns back.',
    example: 'slipway reject shop-production-r8 --why "wrong tag"',
    configure: (command) => command.option('--gate <name>', 'which approval, where several are open'),
    parameters: ({ gate }) => (typeof gate === 'string' ? { gate } : {}),
  }),
);
