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
