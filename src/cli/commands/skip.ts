import { SlipwayError } from '../../lib/errors.ts';
import { releaseVerb } from './release-verb.ts';

/** `slipway skip`: goes past a gate without its verdict; the receipt says who and why. */
export const command = releaseVerb({
  verb: 'skip',
  description: 'Go past a gate without its verdict. The receipt says who did so and why; --why is needed.',
  example: 'slipway skip shop-local-r2 --gate smoke --why "test system is down, checked by hand"',
  configure: (command) => command.option('--gate <name>', 'which gate, where several are open'),
  check: ({ metadata: { name } }, { why, gate }) => {
    if (why !== undefined && why.trim() !== '') return;
    throw new SlipwayError('badRequest', 'A skipped gate needs a reason, which the receipt repeats.', {
      next: `slipway skip ${name}${typeof gate === 'string' ? ` --gate ${gate}` : ''} --why "…"`,
    });
  },
  warning: ({ metadata, spec }) => [
    `This lets release ${metadata.name} of ${spec.application} in ${spec.environment} go on without the evidence of its gate.`,
  ],
  parameters: ({ gate }) => (typeof gate === 'string' ? { gate } : {}),
});
