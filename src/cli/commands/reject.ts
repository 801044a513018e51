import { shortRevision } from '../text/words.ts';
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
    warning: ({ metadata, spec, status }) => [
      `This refuses release ${metadata.name} of ${spec.application} in ${spec.environment}, which then turns back.`,
      status?.flipped === true
        ? `Its users go back to ${shortRevision(spec.from)}, which gets its full strength first.`
        : `Users are not affected: ${shortRevision(spec.from)} serves.`,
    ],
    parameters: ({ gate }) => (typeof gate === 'string' ? { gate } : {}),
  }),
);
