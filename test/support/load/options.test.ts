import { describe, expect, it } from 'vitest';
import { parseSettings, shareClients } from './options.ts';
import { Pace } from './pace.ts';
import { KINDS, type Kind } from './report.ts';

describe('parseSettings', () => {
  it('fills in what is not said', () => {
    expect(parseSettings(['--target', 'http://127.0.0.1:8480', '--host', 'shop.localhost'])).toMatchObject({
      target: {
        host: '127.0.0.1',
        port: 8480,
        hostHeader: 'shop.localhost',
        versionHeader: 'slipway-revision',
      },
      kinds: KINDS,
      clients: 64,
      rate: 400,
      holdBack: true,
      control: 'none',
    });
  });

  it('holds nothing back on a web server that is not the shop', () => {
    expect(parseSettings(['--target', 'http://127.0.0.1:1', '--path', '/']).holdBack).toBe(false);
  });

  const refusals: ReadonlyArray<[args: string[], says: string]> = [
    [[], '--target is missing'],
    [['--target', 'https://127.0.0.1'], 'only http'],
    [['--target', 'nonsense'], 'not a URL'],
    [['--target', 'http://a', '--kinds', 'close,smtp'], '--kinds smtp'],
    [['--target', 'http://a', '--clients', '5'], 'at least one for each'],
    [['--target', 'http://a', '--rate', 'fast'], '--rate fast'],
    [['--target', 'http://a', '--path', 'x'], '--path x'],
    [['--target', 'http://a', '--control', 'tcp'], '--control tcp'],
  ];
  it.each(refusals)('refuses %j', (args, says) => expect(() => parseSettings(args)).toThrow(says));
});

describe('shareClients', () => {
  const rows: ReadonlyArray<[clients: number, kinds: readonly Kind[]]> = [
    [6, KINDS],
    [7, KINDS],
    [64, KINDS],
    [1_000, KINDS],
    [3, ['sse', 'close']],
    [5, ['websocket']],
  ];
  it.each(rows)('gives out all %i clients', (clients, kinds) => {
    const shares = shareClients(clients, kinds);
    expect([...shares.values()].reduce((sum, n) => sum + n, 0)).toBe(clients);
    expect(Math.min(...shares.values())).toBeGreaterThanOrEqual(1);
    expect([...shares.keys()]).toEqual(kinds);
  });
});

describe('Pace', () => {
  it('keeps to its timetable, and piles up one interval at the most', () => {
    const pace = new Pace(100, 0.5, 1_000);
    expect(pace.take(1_000)).toBe(50);
    expect(pace.take(1_060)).toBe(90);
    expect(pace.take(1_280)).toBe(0);
    expect(pace.take(1_280)).toBe(70);
    expect(pace.take(9_000)).toBe(0);
    expect(pace.take(9_000)).toBe(0);
    expect(pace.take(9_000)).toBe(100);
  });
});
