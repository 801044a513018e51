import { describe, expect, it } from 'vitest';
import type { ReleaseStatus } from '../api/release.ts';
import { explain } from './why.ts';

const NOW = Date.parse('2026-11-20T14:20:00.000Z');
const status = (more: object): ReleaseStatus =>
  ({
    phase: 'Paused',
    endedAt: null,
    failure: null,
    waiting: {
      for: 'approval',
      message: 'Waiting for approval of stage 2 (flip).',
      who: 'dana or anyone with role releaser',
      commands: ['slipway approve shop-production-r8'],
      since: '2026-11-20T14:02:00.000Z',
      expiresAt: '2026-11-21T14:02:00.000Z',
      onExpiry: 'it aborts',
    },
    ...more,
  }) as unknown as ReleaseStatus;

describe('explain', () => {
  it.each<[string, ReleaseStatus | undefined, string, string[]]>([
    [
      'a person',
      status({}),
      'Waiting for approval of stage 2 (flip).',
      [
        'dana or anyone with role releaser can unblock it:',
        '  slipway approve shop-production-r8',
        'Since 2026-11-20T14:02:00.000Z (18 min ago); it expires in 23 h 42 min, then it aborts.',
      ],
    ],
    [
      'nothing',
      status({
        phase: 'Succeeded',
        endedAt: '2026-11-20T14:19:00.000Z',
        waiting: { ...status({}).waiting, for: 'nothing', message: '' },
      }),
      'r waits for nothing: it is Succeeded, ended 1 min ago.',
      [],
    ],
    ['a controller', undefined, 'r has not been looked at by a controller yet.', []],
  ])('%s', (_, given, sentence, lines) => {
    expect(explain('r', given, NOW)).toMatchObject({ sentence, lines });
  });

  it.each([
    ['paused at it', { message: 'Stopped at stage 1: gate smoke failed: GET / 500' }],
    ['ended by it', { for: 'nothing', message: 'RolledBack: r1 serves (gate smoke failed: GET / 500)' }],
  ])('says once what the sentence has already: %s', (_, waiting) => {
    const failure = {
      reason: 'x',
      message: 'gate smoke failed: GET / 500',
      affects: 'Users are fine.',
      next: '',
    };
    const { sentence, lines } = explain(
      'r',
      status({ failure, waiting: { ...status({}).waiting, ...waiting } }),
      NOW,
    );
    expect([sentence, ...lines].join('\n').split('gate smoke failed')).toHaveLength(2);
    expect(lines).toContain('Users are fine.');
  });

  it('begins with what went wrong', () => {
    const failure = {
      reason: 'x',
      message: 'Stage 1 stopped.',
      affects: 'Users are not affected.',
      next: 'slipway retry r',
    };
    expect(explain('r', status({ failure }), NOW).lines.slice(0, 2)).toEqual([
      'Stage 1 stopped.',
      'Users are not affected.',
    ]);
  });
});
