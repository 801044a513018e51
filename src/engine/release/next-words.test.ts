import { describe, expect, it } from 'vitest';
import { VirtualRelease } from '../../../test/support/virtual-release.ts';
import { releaseCan } from './capabilities.ts';

const policy = (onFailure: string) => ({ application: { policy: { onFailure } } });
const failing = (onFailure: string) => {
  const release = new VirtualRelease(policy(onFailure));
  release.answer = (order) => (order.epoch === 1 ? 'Failed' : undefined);
  return release.settle();
};
const next = (release: VirtualRelease) => release.status.failure?.next ?? '';

/** Every release verb that the words name is one that the table allows now. */
function allowed(release: VirtualRelease): void {
  const can = releaseCan(release.spec, release.status);
  for (const verb of ['retry', 'abort', 'skip'] as const)
    if (next(release).includes(`slipway ${verb} `))
      expect(can[verb].allowed, `${verb}: ${next(release)}`).toBe(true);
}

describe('what a failure says to do next', () => {
  it('paused at it: try again or go back', () => {
    const release = failing('pause');
    expect(next(release)).toContain(
      'mend it and run: slipway retry shop-local-r2, or go back: slipway abort',
    );
    allowed(release);
  });

  it('turning back: nothing yet', () => {
    const release = failing('rollback');
    expect(release.status.phase).toBe('RollingBack');
    expect(next(release)).toContain('it turns back by itself');
    expect(next(release)).not.toContain('abort');
  });

  it.each([
    ['RolledBack', 'rollback', 'Succeeded'],
    ['Failed', 'rollback', 'Failed'],
  ] as const)('%s: a new release, and no abort', (phase, onFailure, back) => {
    const release = failing(onFailure);
    release.answer = () => back;
    release.settle();
    expect(release.status.phase).toBe(phase);
    expect(next(release)).toContain('the same revision again: slipway retry shop-local-r2');
    expect(next(release)).toContain('slipway release shop -e local');
    expect(next(release).includes('brought back by itself')).toBe(phase === 'Failed');
    allowed(release);
  });

  it('aborted after it was paused: the words change with the state', () => {
    const release = failing('pause');
    release.command('abort');
    release.answer = () => 'Succeeded';
    release.settle();
    expect(release.status.phase).toBe('Aborted');
    expect(next(release)).not.toContain('slipway abort');
    allowed(release);
  });

  it('paused at a gate that failed: its skip is one of the ways, everywhere', () => {
    const release = new VirtualRelease({
      application: {
        gates: [
          { name: 'first', after: 1, http: { path: '/' } },
          { name: 'smoke', after: 1, http: { path: '/' } },
        ],
        policy: { onFailure: 'pause' },
      },
    });
    release.verdict = (gate) => (gate === 'smoke' ? 'fail' : 'pass');
    release.settle();
    const skip = 'slipway skip shop-local-r2 --gate smoke --why "…"';
    expect(next(release)).toContain(skip);
    expect(release.status.waiting.commands).toEqual([
      'slipway retry shop-local-r2',
      skip,
      'slipway abort shop-local-r2',
    ]);
    expect(releaseCan(release.spec, release.status).promote.why).toBe(
      'it stopped at a failure: use retry, skip or abort',
    );
    allowed(release);
  });

  it('offers no skip where no gate failed', () => {
    const release = failing('pause');
    expect(release.status.waiting.commands.join()).not.toContain('skip');
    expect(releaseCan(release.spec, release.status).promote.why).not.toContain('skip');
  });

  it.each([
    ['on the new version while it turns back', undefined, 'some users are on shop-local-r2'],
    ['on the old one once it has', 'Succeeded', 'all users are on shop-local-r1 again'],
    ['as it was seen where the way back failed', 'Failed', 'users are not affected'],
  ] as const)('says that users are %s', (_, back, affects) => {
    const release = new VirtualRelease({
      application: { gates: [{ name: 'watch', after: 2, http: { path: '/' } }] },
    });
    release.verdict = () => 'fail';
    release.answer = (order) => (order.epoch === 1 ? 'Succeeded' : back);
    release.settle();
    expect(release.status.failure?.affects).toBe(affects);
  });

  it('keeps what whoever saw it advises', () => {
    const release = new VirtualRelease({
      application: {
        gates: [{ name: 'smoke', after: 1, http: { path: '/' } }],
        policy: { onFailure: 'pause' },
      },
    });
    release.verdict = () => 'unknown';
    release.settle();
    expect(next(release)).toContain('slipway skip shop-local-r2 --gate smoke');
    expect(release.status.waiting.commands[0]).toContain('slipway skip shop-local-r2 --gate smoke');
    allowed(release);
  });
});
