import { releaseVerb } from './release-verb.ts';

/** `slipway pause`: stops a release where it stands, both versions serving. */
export const command = releaseVerb({
  verb: 'pause',
  description: 'Stop a release where it stands. Both versions go on serving; "resume" goes on.',
  example: 'slipway pause shop-local-r2 --why "error rate looks odd"',
});
