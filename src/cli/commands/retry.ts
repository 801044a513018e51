import { releaseVerb } from './release-verb.ts';

/** `slipway retry`: tries the failed stage again. */
export const command = releaseVerb({
  verb: 'retry',
  description: 'Go on with the stage that failed, after its cause was mended: what is done stays done.',
  example: 'slipway retry shop-local-r2 --watch',
});
