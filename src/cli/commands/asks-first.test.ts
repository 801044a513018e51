import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { gateRunFixture, releaseFixture, stageStatus } from '../../../test/support/release-fixture.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { CommandModule } from '../command.ts';
import type { Context } from '../context.ts';
import { explainError } from '../report-error.ts';
import { command as reject } from './reject.ts';
import { command as resume } from './resume.ts';
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

const KINDS_BY_WORD: Readonly<Record<string, string>> = { application: 'Application', release: 'Release' };

const held = (status: 'True' | 'False', release = 'auto', reason = 'Held', hold: object | null = {}) => ({
  word: 'shop',
  objects: {
    Application: [
      {
        metadata: { name: 'shop', namespace: 'default' },
        spec: { release },
        status: { conditions: [{ type: 'Ready', status, reason, message: '' }] },
      },
    ],
    Track: [{ status: { hold } }],
  },
});

/** What one command says and gives when nobody is there to answer; `yes`: --yes was written. */
async function tried(
  module: CommandModule,
  options: object,
  yes = false,
  of: { readonly word: string; readonly objects: Readonly<Record<string, readonly object[]>> } = {
    word: 'shop-local-r2',
    objects: { Release: [RELEASE] },
  },
) {
  const notes: string[] = [];
  const given: unknown[] = [];
  const api = {
    list: async (kind: string) => ({
      items: of.objects[kind] ?? of.objects[KINDS_BY_WORD[kind] ?? ''] ?? [],
    }),
    get: async () => {
      throw new SlipwayError('notFound', 'there is none');
    },
    find: async (kind: string) => of.objects[kind]?.[0],
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
  const lines = await act?.(of.word, options).then(
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

  it('resume of an application says that it releases what is applied, and does nothing without a yes', async () => {
    const { notes, given, lines } = await tried(resume, {}, false, held('False'));
    expect(notes[0]).toMatch(/^This ends the hold on shop in local\. What is applied .* is released at once/);
    expect(lines?.[0]).toMatch(/was not confirmed/);
    expect(given).toEqual([]);
    expect((await tried(resume, {}, true, held('False'))).given).toMatchObject([{ verb: 'resume' }]);
  });

  it.each([
    ['what is applied serves', held('True')],
    ['nothing is released by itself', held('False', 'manual')],
    ['what is applied cannot be released', held('False', 'auto', 'Invalid')],
    ['there is no hold', held('False', 'auto', 'Aborted', null)],
  ])('resume asks nobody where %s', async (_, of) => {
    expect((await tried(resume, {}, false, of)).given).toMatchObject([{ verb: 'resume' }]);
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
