import type { Release } from '../../api/release.ts';
import { shortRevision } from '../text/words.ts';
import { releaseVerb } from './release-verb.ts';

/** `slipway abort`: ends a release; the old version has its full strength again before anything is taken away. */
export const command = releaseVerb({
  verb: 'abort',
  description:
    'End a release. The old version gets back its full strength and all traffic; nobody loses a request.',
  example: 'slipway abort shop-local-r2 --why "wrong build"',
  warning: ({ metadata, spec }: Release) => [
    `This ends release ${metadata.name} of ${spec.application} in ${spec.environment}.`,
    spec.from === null
      ? `Its users get no answer any more: there was no revision before ${shortRevision(spec.to)}.`
      : `Its users go back to ${shortRevision(spec.from)}, which gets its full strength first.`,
  ],
});
