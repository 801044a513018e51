import { describe, expect, it } from 'vitest';
import { VirtualRelease } from '../../../test/support/virtual-release.ts';
import { decide } from './decide.ts';
import type { ReleaseInput } from './input.ts';
import { recordInput, replayInput } from './record.ts';

const inputOf = (release: VirtualRelease, more: Partial<ReleaseInput> = {}): ReleaseInput => ({
  name: 'shop-local-r2',
  spec: release.spec,
  status: structuredClone(release.status),
  supersededBy: null,
  executions: structuredClone(release.executions),
  gateRuns: structuredClone(release.gateRuns),
  commands: [],
  connected: ['local'],
  now: release.now,
  ...more,
});
const again = (input: ReleaseInput) => {
  const replayed = replayInput(input.spec, recordInput(input));
  return replayed === undefined ? undefined : decide(replayed);
};

describe('a recorded decision', () => {
  it.each([1, 2, 3])('at stage %i is decided again in the same way (INV-17)', (stage) => {
    const gates = [{ name: 'smoke', after: 1, http: { path: '/' } }];
    const release = new VirtualRelease({ application: { gates } });
    release.answer = (order) => (order.stage === stage ? undefined : 'Succeeded');
    release.settle();
    release.traffic({ requests: 9, failed: 0, failures: {}, byVersion: {} });
    const command = { uid: 'u', verb: 'abort', by: 'dana', at: '', why: null, parameters: {} } as const;
    for (const input of [inputOf(release), inputOf(release, { commands: [command] })]) {
      expect(again(input)).toEqual(decide({ ...input, status: { ...input.status, decision: null } }));
    }
  });

  it('stays small whatever executions that are over have measured', () => {
    const release = new VirtualRelease().settle();
    for (const execution of Object.values(release.executions))
      for (const each of execution.instructions) each.evidence = { log: 'x'.repeat(20_000) };
    const input = inputOf(release, { status: { ...release.status, sequence: 99 } });
    expect(recordInput(input).length).toBeLessThan(20_000);
  });

  it('that is too long says so, and is never half of itself', () => {
    const release = new VirtualRelease().settle();
    const input = inputOf(release, {
      commands: [{ uid: 'u', verb: 'abort', by: 'x'.repeat(300_000), at: '', why: null, parameters: {} }],
    });
    expect(JSON.parse(recordInput(input))).toMatchObject({ omitted: expect.any(Number) });
    expect(again(input)).toBeUndefined();
  });
});
