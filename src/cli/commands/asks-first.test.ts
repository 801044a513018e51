import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { gateRunFixture, releaseFixture, stageStatus } from '../../../test/support/release-fixture.ts';
import type { CommandModule } from '../command.ts';
import type { Context } from '../context.ts';
import { explainError } from '../report-error.ts';
import { command as reject } from './reject.ts';
import { command as skip } from './skip.ts';

const RELEASE = releaseFixture({
  phase: 'Paused',
  step: 'gatesAfter',
  gateRuns: { smoke: gateRunFixture({}).metadata.name },
  stages: [stageStatus(1, { state: 'gatesAfter' }), stageStatus(2), stageStatus(3)],
  waiting: {
    for: 'approval',
    message: '',
    who: '',
    commands: [],
    since: '',
    expiresAt: null,
    onExpiry: null,
  },
});

/** What one command says and gives when nobody is there to answer; `yes`: --yes was written. */
async function tried(module: CommandModule, options: object, yes = false) {
  const notes: string[] = [];
  const given: unknown[] = [];
  const api = {
    list: async (kind: string) => ({ items: kind === 'Release' ? [RELEASE] : [] }),
    command: async (_: unknown, verb: string, body: object) => {
      given.push({ verb, ...body });
      return {
        state: 'done',
        command: { metadata: { name: 'x' }, spec: { verb }, status: { message: verb } },
      };
    },
  };
  const context = {
    options: { yes },
    format: 'text',
    paint: { good: (text: string) => text },
    io: { stdin: {}, stderr: {}, environment: {} },
    note: (...lines: string[]) => notes.push(...lines),
    print: () => undefined,
    connect: async () => ({ api, namespace: 'default', environment: 'local' }),
  } as unknown as Context;
  let act: ((...values: unknown[]) => Promise<unknown>) | undefined;
  module.configure(new Command('x'), (action) => {
    act = (...values) => action(context, ...(values as never));
    return async () => undefined;
  });
  const lines = await act?.('shop-local-r2', options).then(
    () => [],
    (error: unknown) => explainError(error, false).lines,
  );
  return { notes, given, lines };
}

describe('verbs that turn something for users ask first', () => {
  it('reject says what becomes of the release, and does nothing without a yes', async () => {
    const { notes, given, lines } = await tried(reject, {});
    expect(notes).toEqual([
      'This refuses release shop-local-r2 of shop in local, which then turns back.',
      'Users are not affected: r1 serves.',
    ]);
    expect(lines?.[0]).toMatch(/was not confirmed/);
    expect(given).toEqual([]);
  });

  it('reject with --yes is given', async () =>
    expect((await tried(reject, { why: 'no' }, true)).given).toMatchObject([{ verb: 'reject', why: 'no' }]));

  it.each([{}, { why: ' ' }])('skip without a reason says so once, with the command: %j', async (options) => {
    const { given, lines, notes } = await tried(skip, { gate: 'smoke', ...options }, true);
    expect(lines).toEqual([
      '✗ A skipped gate needs a reason, which the receipt repeats.',
      '  slipway skip shop-local-r2 --gate smoke --why "…"',
    ]);
    expect([given, notes]).toEqual([[], []]);
  });
});
