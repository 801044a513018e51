import { describe, expect, it } from 'vitest';
import { Ledger } from './ledger.ts';

function ledgerAt(startMs = 1_000_000) {
  const clock = { ms: startMs };
  return { clock, ledger: new Ledger(() => clock.ms) };
}

describe('the ledger', () => {
  it('books what started, finished and failed, by kind, version and cause', () => {
    const { ledger } = ledgerAt();
    const good = ledger.start('keepAlive');
    good.sawVersion('shop-r1');
    good.finish();
    const bad = ledger.start('upload');
    bad.fail({ cause: 'reset', detail: 'ECONNRESET' });
    const stream = ledger.start('sse');
    stream.sawVersion('shop-r2');
    stream.message();
    stream.finish({ closedByClient: true });
    ledger.start('websocket');

    const snapshot = ledger.snapshot();
    expect(snapshot).toMatchObject({ started: 4, finished: 2, failed: 1, failures: { reset: 1 } });
    expect(snapshot.byKind.sse).toMatchObject({ finished: 1, closedByClient: 1, messages: 1, inFlight: 0 });
    expect(snapshot.byKind.websocket).toMatchObject({ started: 1, inFlight: 1 });
    expect(snapshot.byVersion).toEqual({
      'shop-r1': { finished: 1, failed: 0 },
      'shop-r2': { finished: 1, failed: 0 },
      unknown: { finished: 0, failed: 1 },
    });
    expect(snapshot.firstFailures).toEqual([
      {
        at: '1970-01-01T00:16:40.000Z',
        kind: 'upload',
        version: 'unknown',
        cause: 'reset',
        detail: 'ECONNRESET',
      },
    ]);
  });

  it('does not balance while a request is open', () => {
    const { ledger } = ledgerAt();
    const open = ledger.start('close');
    expect(() => ledger.close()).toThrow('1 started, 0 finished, 0 failed');
    open.finish();
    expect(ledger.close()).toMatchObject({ started: 1, finished: 1, failed: 0 });
  });

  it('settles a request once', () => {
    const { ledger } = ledgerAt();
    const entry = ledger.start('close');
    entry.finish();
    expect(entry.settled).toBe(true);
    expect(() => entry.fail({ cause: 'cut', detail: '' })).toThrow('settled twice');
    expect(ledger.close()).toMatchObject({ finished: 1, failed: 0 });
  });

  it('notes what is in flight now, and knows what was in flight at a moment in the past', () => {
    const { clock, ledger } = ledgerAt(1_000);
    const short = ledger.start('close');
    const long = ledger.start('keepAlive');
    const stream = ledger.start('sse');
    clock.ms = 1_010;
    short.finish();
    expect(ledger.mark('flip').inFlight).toMatchObject({ close: 0, keepAlive: 1, sse: 1 });
    clock.ms = 1_100;
    long.finish();
    clock.ms = 1_200;

    const rows: ReadonlyArray<[name: string, atMs: number, keepAlive: number, sse: number]> = [
      ['before all', 999, 0, 0],
      ['at the very start', 1_000, 0, 0],
      ['between', 1_050, 1, 1],
      ['at the very end of one', 1_100, 0, 1],
      ['while one is still open', 1_150, 0, 1],
    ];
    for (const [name, atMs, keepAlive, sse] of rows) {
      expect(ledger.inFlightAt(atMs), name).toMatchObject({ keepAlive, sse, close: 0 });
    }
    stream.finish();
    expect(ledger.marks.map((mark) => mark.name)).toEqual(['flip']);
  });

  it('measures the latency of short requests alone', () => {
    const { clock, ledger } = ledgerAt();
    const take = (kind: 'close' | 'slow', ms: number, heldBack = false) => {
      const entry = ledger.start(kind, { heldBack });
      clock.ms += ms;
      entry.finish();
    };
    take('close', 2);
    take('close', 300, true);
    take('slow', 500);
    expect(ledger.latency().samples).toBe(1);
    expect(ledger.latency().p99Ms).toBeCloseTo(2, 1);
  });
});
