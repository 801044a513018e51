import { describe, expect, it } from 'vitest';
import { virtualSpec } from '../../../test/support/virtual-release.ts';
import { Strategy } from '../../api/strategy.ts';

const gate = (
  name: string,
  at: { before?: number; after?: number },
  more: object = { http: { path: '/' } },
) => ({
  name,
  ...at,
  ...more,
});
const smoke = gate('smoke', { after: 1 });

const planOf = (strategy: unknown, gates: readonly object[], more: { from?: boolean; warm?: boolean } = {}) =>
  virtualSpec({ strategy: Strategy.parse(strategy), application: { gates }, ...more }).plan;

/** Each stage with what is asked before and after it, and whether users are moved in it. */
const askedIn = (...of: Parameters<typeof planOf>) =>
  planOf(...of).stages.map(
    ({ title, gatesBefore, gatesAfter, flips, advance }) =>
      `${gatesBefore.map(({ name }) => `${name} > `).join('')}${title}${flips ? ' (users)' : ''}${advance.kind === 'manual' ? ' (pause)' : ''}${gatesAfter.map(({ name }) => ` > ${name}`).join('')}`,
  );

const FLIP = 'flip to the warm revision (users)';
const WARM = 'warm revision at full size';

describe('what the whole strategy asks before users come', () => {
  it.each<[string, unknown, readonly object[], readonly string[], readonly string[]]>([
    ['no gate: one stage', { scaled: {} }, [], [FLIP], ['deploy (users)']],
    [
      'scaled: after 1',
      { scaled: {} },
      [smoke],
      [`${WARM} > smoke`, FLIP],
      ['deploy > smoke', 'let users in (users)'],
    ],
    [
      'blueGreen: after 1, without its pauses',
      { blueGreen: {} },
      [smoke],
      [`${WARM} > smoke`, FLIP],
      ['deploy > smoke', 'let users in (users)'],
    ],
    [
      'blueGreen: before 2',
      { blueGreen: {} },
      [gate('look', { before: 2 })],
      [WARM, `look > ${FLIP}`],
      ['deploy', 'look > let users in (users)'],
    ],
    [
      'custom with beta: after 1',
      { custom: { percentages: [50, 100], beta: true } },
      [smoke],
      [`${WARM} > smoke`, FLIP],
      ['deploy > smoke', 'let users in (users)'],
    ],
    [
      'scaled: on both sides of the first users',
      { scaled: {} },
      [gate('first', { before: 1 }), smoke, gate('watch', { after: 2 })],
      [`first > ${WARM} > smoke`, `${FLIP} > watch`],
      ['first > deploy > smoke', 'let users in (users) > watch'],
    ],
    [
      'scaled: what asks a version that runs is not asked before its deployment',
      { scaled: {} },
      [gate('late', { before: 3 })],
      [WARM, `late > ${FLIP}`],
      ['deploy', 'late > let users in (users)'],
    ],
    [
      'scaled: only after users',
      { scaled: {} },
      [gate('watch', { after: 2 })],
      [`${FLIP} > watch`],
      ['deploy (users) > watch'],
    ],
    [
      'canary: its first stage has users',
      { canary: {} },
      [smoke],
      [`${FLIP} > smoke`],
      ['deploy (users) > smoke'],
    ],
    [
      'canary: before anything',
      { canary: {} },
      [gate('first', { before: 1 })],
      [`first > ${FLIP}`],
      ['first > deploy (users)'],
    ],
  ])('%s: so it is with a flip to a warm revision and from nothing', (_, strategy, gates, warm, first) => {
    expect(askedIn(strategy, gates, { warm: true })).toEqual(warm);
    expect(askedIn(strategy, gates, { from: false })).toEqual(first);
  });

  it.each<[string, { from?: boolean; warm?: boolean }, readonly string[]]>([
    [
      'a warm revision stays warm until its flip',
      { warm: true },
      [
        'shop/ensure-new',
        'shop/ready-new',
        'shop/prove-before',
        '|',
        'shop/prove-before',
        'shop/traffic',
        'shop/prove-after',
        'shop/drain-old',
      ],
    ],
    [
      'a first release has no traffic before it is asked',
      { from: false },
      [
        'shop/ensure-new',
        'shop/ready-new',
        'shop/prove-before',
        '|',
        'shop/prove-before',
        'shop/traffic',
        'shop/prove-after',
      ],
    ],
  ])('%s', (_, more, ids) => {
    const [ready, flip] = planOf({ scaled: {} }, [smoke], more).stages;
    expect(
      [...(ready?.instructions ?? []), { id: '|' }, ...(flip?.instructions ?? [])].map(({ id }) => id),
    ).toEqual(ids);
  });
});

describe('gates that are asked when users are on it already', () => {
  const scaled = 'to ask before, use after: 1';
  const other = 'to ask before, use scaled, blueGreen or custom with beta: true';
  it.each<[string, unknown, readonly object[], string | null]>([
    ['none', { canary: {} }, [], null],
    ['canary', { canary: {} }, [smoke], other],
    ['custom', { custom: { percentages: [50, 100] } }, [smoke], other],
    ['custom with beta', { custom: { percentages: [50, 100], beta: true } }, [smoke], null],
    ['rolling', { rolling: {} }, [smoke], other],
    ['scaled in one step', { scaled: { steps: ['100%'] } }, [smoke], other],
    ['scaled, after its first users', { scaled: {} }, [gate('smoke', { after: 2 })], scaled],
    ['scaled, another before them', { scaled: {} }, [smoke, gate('again', { after: 2 })], null],
    [
      'scaled, before the stage that lets them in',
      { scaled: {} },
      [gate('a', { before: 2 }), gate('b', { after: 2 })],
      null,
    ],
    [
      'a person and time look at users',
      { canary: {} },
      [gate('ok', { after: 1 }, { approval: {} }), gate('wait', { after: 1 }, { soak: { duration: '1m' } })],
      null,
    ],
  ])('%s', (_, strategy, gates, words) => {
    const said = planOf(strategy, gates).warnings.filter((one) => one.startsWith('gate '));
    if (words === null) expect(said).toEqual([]);
    else
      expect(said).toEqual([
        expect.stringMatching(/^gate smoke is asked only when users are on the new version: /),
      ]);
    if (words !== null) expect(said[0]).toContain(words);
  });
});
