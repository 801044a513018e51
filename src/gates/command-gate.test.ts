import { describe, expect, it } from 'vitest';
import { CommandGate } from '../api/gate.ts';
import type { CommandOutcome, Processes, RunCommand } from '../lib/processes.ts';
import { askCommand } from './command-gate.ts';

const ENDED: CommandOutcome = { exitCode: 0, signal: null, stdout: '', stderr: '', timedOut: false, ms: 1 };

function ask(outcome: Partial<CommandOutcome> | Error, ran: RunCommand[] = [], idempotent = true) {
  const processes = {
    run: async (command: RunCommand) => {
      ran.push(command);
      if (outcome instanceof Error) throw outcome;
      return { ...ENDED, ...outcome };
    },
  } as unknown as Processes;
  return askCommand(CommandGate.parse({ argv: ['smoke', '--all'], env: { MODE: 'quick' }, idempotent }), {
    processes,
    variables: { SLIPWAY_TO: 'shop-local-r2' },
    timeoutMs: 500,
    signal: new AbortController().signal,
  });
}

describe('askCommand', () => {
  it.each([
    ['code 0', {}, 'pass', 'smoke ended with code 0'],
    ['with a last word', { stdout: 'a\n12 checks ok\n' }, 'pass', 'smoke ended with code 0: 12 checks ok'],
    ['another code', { exitCode: 2, stderr: 'cart: 500\n' }, 'fail', 'smoke ended with code 2: cart: 500'],
    [
      'too slow',
      { exitCode: null, timedOut: true },
      'inconclusive',
      'smoke took longer than 500 ms and was ended',
    ],
    [
      'ended by a signal',
      { exitCode: null, signal: 'SIGSEGV' },
      'inconclusive',
      'smoke was ended by SIGSEGV',
    ],
    ['not there', new Error('ENOENT'), 'inconclusive', 'smoke could not be run: ENOENT'],
  ] as const)('%s', async (_, outcome, verdict, message) =>
    expect(await ask(outcome)).toEqual({ verdict, message }),
  );

  it.each([
    ['too slow', { exitCode: null, timedOut: true }],
    ['ended by a signal', { exitCode: null, signal: 'SIGSEGV' }],
  ] as const)('nobody knows what one did that may run once only and was %s', async (_, outcome) =>
    expect(await ask(outcome, [], false)).toMatchObject({ verdict: 'unknown' }),
  );

  it('has an environment of its own and no shell', async () => {
    const ran: RunCommand[] = [];
    await ask({}, ran);
    expect(ran[0]).toMatchObject({ argv: ['smoke', '--all'], timeoutMs: 500 });
    expect(Object.keys(ran[0]?.env ?? {}).sort()).toEqual(['LANG', 'MODE', 'PATH', 'SLIPWAY_TO']);
  });
});
