import { describe, expect, it } from 'vitest';
import { initialTrack } from '../engine/track/input.ts';
import { type ApplicationView, explainApplication } from './why-application.ts';

const NOW = Date.parse('2026-11-20T14:20:00.000Z');
const said = (status: 'True' | 'False', reason: string, message: string, observedGeneration = 2) => ({
  metadata: { name: 'shop', generation: 2 },
  status: {
    conditions: [
      { type: 'production/Ready', status, reason, message, observedGeneration, lastTransitionTime: '' },
    ],
  },
});
const view = (more: Partial<ApplicationView>): ApplicationView => ({
  application: said('True', 'Serving', 'shop-production-r1 serves'),
  environment: 'production',
  environmentExists: true,
  track: { status: { ...initialTrack(), live: 'shop-production-r1' } },
  release: undefined,
  ...more,
});
const change = {
  digest: 'abcdef0123',
  summary: 'shop 6 → 8 instances',
  state: 'waiting' as const,
  since: '2026-11-20T14:02:00.000Z',
  expiresAt: '2026-11-21T14:02:00.000Z',
  who: 'releaser',
  by: null,
  why: null,
};
const claim = {
  claim: 'x',
  release: 'shop-production-r2',
  revision: 'shop-production-r2',
  number: 2,
  digest: 'd',
  reason: 'release' as const,
  by: 'dana',
  why: null,
  at: '',
  supersedes: false,
};

describe('why of an application', () => {
  it.each<[string, Partial<ApplicationView>, string, string]>([
    ['nothing', {}, 'shop in production waits for nothing: shop-production-r1 serves.', ''],
    [
      'an environment that is not there',
      { environmentExists: false, track: undefined },
      'shop cannot be released to production: there is no environment production.',
      'slipway get environments',
    ],
    [
      'an environment that is gone',
      { environmentExists: false },
      'shop cannot be released to production: there is no environment production.',
      'shop-production-r1 still serves there.',
    ],
    [
      'what is wrong with it',
      {
        application: said(
          'False',
          'Invalid',
          'spec.template.name: there is no template web; nothing is live',
        ),
      },
      'shop cannot be released to production: spec.template.name: there is no template web; nothing is live.',
      'slipway apply -f app.yaml',
    ],
    [
      'a secret that nobody has set',
      {
        application: said(
          'False',
          'Invalid',
          'spec.workload.env: there is no key k in secret svc; set it with: slipway secret set svc k; r1 serves',
        ),
      },
      'shop cannot be released to production: spec.workload.env: there is no key k in secret svc; set it with: slipway secret set svc k; r1 serves.',
      '  slipway secret set svc k',
    ],
    [
      'a controller',
      { application: said('True', 'Serving', 'x', 1) },
      'shop in production has not been looked at by a controller yet.',
      '',
    ],
    [
      'work outside releases',
      { track: { status: { ...initialTrack(), active: claim } } },
      'Release shop-production-r2 begins when the work under way outside releases is done.',
      '',
    ],
    [
      'its release',
      {
        track: { status: { ...initialTrack(), active: claim } },
        release: { metadata: { name: 'shop-production-r2' }, status: undefined },
      },
      'shop-production-r2 has not been looked at by a controller yet.',
      '',
    ],
    [
      'a hold',
      { application: said('False', 'Held', 'r1 serves: dana holds automatic releases') },
      'shop in production: r1 serves: dana holds automatic releases.',
      '',
    ],
  ])('%s', (_, more, sentence, line) => {
    const why = explainApplication(view(more), NOW);
    expect(why.sentence).toBe(sentence);
    expect(why.lines.join('\n')).toContain(line);
  });

  it.each([
    ['retire', 'the removal of r1, which was kept warm, is done.'],
    ['inPlace', 'the change of replicas or routes under way is done.'],
    ['restart', 'the restart of r1 is done.'],
    ['delete', 'the removal of r1 is done.'],
  ] as const)('says which work a release waits for: %s', (purpose, words) => {
    const work = { execution: 'w', purpose, revision: 'r1', applied: null, claim: null };
    const status = { ...initialTrack(), active: claim, work };
    expect(explainApplication(view({ track: { status } }), NOW).sentence).toBe(
      `Release shop-production-r2 begins when ${words}`,
    );
  });

  it('says who can approve a change in place, how, and until when', () => {
    const why = explainApplication(
      view({
        application: said('False', 'WaitingForApproval', 'r1 serves; change abcdef waits'),
        track: { status: { ...initialTrack(), live: 'shop-production-r1', change } },
      }),
      NOW,
    );
    expect(why.sentence).toBe('shop in production: r1 serves; change abcdef waits.');
    expect(why.waiting).toMatchObject({
      for: 'approval',
      who: 'anyone with role releaser',
      commands: ['slipway approve shop -e production', 'slipway reject shop -e production'],
      expiresAt: change.expiresAt,
    });
  });
});
