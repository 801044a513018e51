import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualRelease } from '../../test/support/virtual-release.ts';
import { VirtualTrack, workloadOf } from '../../test/support/virtual-track.ts';
import { decidable, KEPT_COMMANDS, remember } from './command-memory.ts';
import { decide } from './release/decide.ts';
import type { CommandInput, ReleaseInput } from './release/input.ts';

const commands = (verb: 'scale' | 'pause', count: number): (CommandInput & { release: null })[] =>
  Array.from({ length: count }, (_, i) => ({
    uid: `c${i}`,
    verb,
    release: null,
    by: 'dana',
    at: '2026-11-20T12:00:00.000Z',
    why: null,
    parameters: { replicas: 7 },
  }));

describe('more commands at once than are remembered', () => {
  it.each([1, KEPT_COMMANDS, KEPT_COMMANDS + 10, 3 * KEPT_COMMANDS])(
    '%i for an application are each applied once, though answers get lost',
    (count) => {
      const track = new VirtualTrack({ workload: workloadOf(1), routes: [{ host: 'a' }], release: 'manual' });
      let waiting = commands('scale', count);
      let applied = 0;
      for (let round = 0; waiting.length > 0 && round < 20; round += 1) {
        const decided = track.step(waiting);
        applied += decided.replies.length;
        // The manager dies before it answers, and asks again.
        const again = track.step(waiting);
        expect(again.effects.map(({ type }) => type)).not.toContain('scaleApplication');
        expect(track.track.commands.length).toBeLessThanOrEqual(KEPT_COMMANDS);
        const answered = new Set(again.replies.map(({ uid }) => uid));
        if (waiting.length > answered.size) expect(again.wakeAt).not.toBeNull();
        waiting = waiting.filter(({ uid }) => !answered.has(uid));
      }
      expect(waiting).toEqual([]);
      expect(applied).toBe(count);
    },
  );

  it('for a release keep their first outcome too', () => {
    const { spec, status, now } = new VirtualRelease({ application: {} });
    const input: Omit<ReleaseInput, 'commands'> = {
      name: 'shop-local-r2',
      spec,
      status,
      supersededBy: null,
      executions: {},
      gateRuns: {},
      connected: ['local'],
      now,
    };
    const waiting = commands('pause', KEPT_COMMANDS + 10);
    const first = decide({ ...input, commands: waiting });
    const again = decide({ ...input, status: first.status, commands: waiting });
    expect(first.replies).toHaveLength(KEPT_COMMANDS);
    expect(first.wakeAt).not.toBeNull();
    expect(again.replies).toEqual(first.replies);
    const rest = waiting.slice(KEPT_COMMANDS);
    const last = decide({ ...input, status: again.status, commands: rest });
    expect(last.replies.map(({ uid }) => uid)).toEqual(rest.map(({ uid }) => uid));
    expect(last.status.commands).toHaveLength(KEPT_COMMANDS);
  });

  it('no command that asks is ever forgotten, and memory is bounded', () => {
    const uid = fc.integer({ min: 0, max: 200 }).map((n) => ({ uid: `u${n}` }));
    const some = fc.uniqueArray(uid, { maxLength: 120, selector: (each) => each.uid });
    fc.assert(
      fc.property(some, some, (asking, before) => {
        let memory = before.slice(-KEPT_COMMANDS);
        const known = new Set(memory.map((each) => each.uid));
        const { now } = decidable(asking, memory);
        for (const command of now) if (!known.has(command.uid)) memory = remember(memory, command, asking);
        expect(memory.length).toBeLessThanOrEqual(KEPT_COMMANDS);
        for (const command of now) expect(memory).toContainEqual(command);
        for (const each of asking) if (known.has(each.uid)) expect(memory).toContainEqual(each);
      }),
    );
  });
});
