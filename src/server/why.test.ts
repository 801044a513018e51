import { describe, expect, it } from 'vitest';
import type { ApiObject } from '../api/meta.ts';
import type { ReleaseStatus } from '../api/release.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { memoryStore } from '../store/memory/memory-store.ts';
import type { ServerDependencies } from './dependencies.ts';
import type { Call } from './route.ts';
import { explain, explainOrphan, whyRoutes } from './why.ts';

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

describe('a release whose application was deleted', () => {
  const ended = {
    phase: 'Succeeded',
    endedAt: '2026-11-20T14:19:00.000Z',
    waiting: {
      ...status({}).waiting,
      for: 'nothing',
      message: 'Succeeded: web-local-r9 serves',
      commands: ['slipway rollback web -e local'],
    },
  };

  it('says that, what went wrong in it, and no command', () => {
    const failure = { reason: 'x', message: 'Stage 1 stopped.', affects: 'x', next: 'slipway retry r' };
    expect(explainOrphan('web-local-r9', 'web', status({ ...ended, failure }), NOW)).toEqual({
      sentence:
        'There is no application web any more; its release web-local-r9 ended as Succeeded, 1 min ago.',
      lines: ['Stage 1 stopped.'],
      waiting: null,
    });
  });

  const application = { kind: 'Application', metadata: { name: 'web', namespace: 'default' }, spec: {} };
  it.each<[string, readonly object[], object, RegExp]>([
    ['deleted', [], ended, /^There is no application web any more/],
    ['there', [application], ended, /^Succeeded: web-local-r9 serves$/],
    ['deleted while it goes on', [], {}, /^Waiting for approval of stage 2/],
  ])('the route looks whether the application is there: %s', async (_, objects, more, sentence) => {
    const store = memoryStore({ clock: systemClock(), random: systemRandom() });
    const release = {
      kind: 'Release',
      metadata: { name: 'web-local-r9', namespace: 'default' },
      spec: { application: 'web', environment: 'local' },
      status: status(more),
    };
    for (const each of [...objects, release])
      await store.create({ apiVersion: 'slipway.dev/v1alpha1', ...each } as ApiObject);
    const [route] = whyRoutes({ store, clock: systemClock() } as unknown as ServerDependencies);
    const call = { namespace: 'default', name: 'web-local-r9' } as Call;
    expect(await route?.handle(call)).toMatchObject({ json: { sentence: expect.stringMatching(sentence) } });
    await store.close();
  });
});
