import { releaseVerb } from './release-verb.ts';

/** `slipway retry`: tries the failed stage again. */
export const command = releaseVerb({
  verb: 'retry',
  description: 'Go on with the stage that failed, behind what it has done, after its cause was mended.',
  example: 'slipway retry shop-local-r2 --watch',
});
