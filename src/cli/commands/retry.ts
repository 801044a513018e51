import { releaseVerb } from './release-verb.ts';

/** `slipway retry`: tries the failed stage again. */
export const command = releaseVerb({
  verb: 'retry',
  description: 'Try the stage that failed once more, after its cause was mended.',
  example: 'slipway retry shop-local-r2 --watch',
});
