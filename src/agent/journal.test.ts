import { describe, expect, it } from 'vitest';
import { executionSpec, pinned, revision, shiftInstructions } from '../../test/support/execution-orders.ts';
import { MemoryFiles } from '../../test/support/memory-files.ts';
import { systemClock } from '../lib/clock.ts';
import { silentLog } from '../lib/log.ts';
import { Journal } from './journal.ts';
import {
  acceptedStatus,
  artifactsOf,
  type HeldOrder,
  type JournalEntry,
  recordKey,
} from './journal-entries.ts';

const PATH = '/agent/journal.jsonl';
const open = (files: MemoryFiles, cluster = 'local') =>
  Journal.open({ files, path: PATH, cluster, clock: systemClock(), log: silentLog });

const AT = '2026-11-20T14:02:11.123Z';
const heldOrder = (sequence = 1): HeldOrder => {
  const spec = executionSpec(shiftInstructions({ kind: 'full' }, { kind: 'zero' }), { sequence });
  return {
    execution: `shop-local-r2-e1-s${sequence}`,
    namespace: 'default',
    uid: `u${sequence}`,
    spec,
    acceptedAt: AT,
  };
};
const keyOf = (order: HeldOrder) => recordKey(order.namespace, order.execution);
const stateEntry = (order: HeldOrder, phase: 'Running' | 'Succeeded'): JournalEntry => ({
  t: 'state',
  key: keyOf(order),
  status: { ...acceptedStatus(order.spec, AT), phase },
  gateRuns: {},
  upTo: 1_000,
});
const TOTALS = { source: 'router' as const, requests: 3, failed: 1, failures: { reset: 1 }, byVersion: {} };

describe('the journal', () => {
  it('remembers everything across a restart', async () => {
    const files = new MemoryFiles();
    const order = heldOrder();
    const journal = await open(files);
    await journal.write({ t: 'order', order });
    await journal.write({ t: 'note', key: keyOf(order), instruction: 'traffic', note: { started: true } });
    await journal.write(stateEntry(order, 'Running'));
    await journal.write({
      t: 'fence',
      subject: 'release/default/other',
      position: { epoch: 4, sequence: -1 },
    });
    await journal.write({ t: 'baseline', subject: order.spec.subject, totals: { shop: TOTALS } });
    const again = await open(files);
    expect(again.state).toEqual(journal.state);
    expect(again.state.records.get(keyOf(order))).toMatchObject({
      status: { phase: 'Running' },
      notes: { traffic: { started: true } },
      upTo: 1_000,
    });
    expect(again.state.fences.get(order.spec.subject)).toEqual({ epoch: 1, sequence: 1 });
  });

  it('names the artifacts of what it holds, until it is forgotten', async () => {
    const journal = await open(new MemoryFiles());
    const [from, to] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`];
    const held = heldOrder();
    const order = {
      ...held,
      spec: {
        ...held.spec,
        from: revision(1, [{ ...pinned('shop'), artifact: from }]),
        to: revision(2, [{ ...pinned('shop'), artifact: to }, pinned('worker')]),
      },
    };
    await journal.write({ t: 'order', order });
    await journal.write(stateEntry(order, 'Succeeded'));
    expect(artifactsOf(journal.state)).toEqual(new Set([from, to]));
    await journal.write({ t: 'acknowledged', key: keyOf(order) });
    await journal.write({ t: 'forget', subject: order.spec.subject });
    expect(artifactsOf(journal.state)).toEqual(new Set());
  });

  it('shares one sync between entries of one moment', async () => {
    const files = new MemoryFiles();
    const journal = await open(files);
    await journal.write({ t: 'forget', subject: 'a' });
    files.calls.length = 0;
    await Promise.all(['b', 'c', 'd'].map((subject) => journal.write({ t: 'forget', subject })));
    expect(files.calls).toEqual(['append']);
  });

  it('keeps the newest acknowledged execution of a subject until the subject is forgotten', async () => {
    const files = new MemoryFiles();
    const journal = await open(files);
    const [one, two] = [heldOrder(1), heldOrder(2)];
    for (const order of [one, two]) {
      await journal.write({ t: 'order', order });
      await journal.write(stateEntry(order, 'Succeeded'));
      await journal.write({ t: 'acknowledged', key: keyOf(order) });
    }
    expect([...journal.state.records.keys()]).toEqual([keyOf(two)]);
    await journal.write({ t: 'forget', subject: one.spec.subject });
    expect(journal.state.records.size).toBe(0);
    expect(journal.state.fences.get(one.spec.subject)).toEqual({ epoch: 1, sequence: 2 });
    expect((await open(files)).state).toEqual(journal.state);
  });

  it('is rewritten when it has grown, and means the same', async () => {
    const files = new MemoryFiles();
    const journal = await open(files);
    const order = heldOrder();
    await journal.write({ t: 'order', order });
    const note = 'x'.repeat(60_000);
    for (let n = 0; n < 40; n += 1) {
      await journal.write({ t: 'note', key: keyOf(order), instruction: 'ready', note });
    }
    expect(files.content.get(PATH)?.length).toBeLessThan(1_500_000);
    expect((await open(files)).state).toEqual(journal.state);
  });

  const torn: [string, (content: Buffer) => Buffer][] = [
    ['half a line', (content) => Buffer.concat([content, Buffer.from('00c0ffee {"t":"for')])],
    ['zeros after a power cut', (content) => Buffer.concat([content, Buffer.alloc(100)])],
    ['nothing', (content) => content],
  ];
  it.each(torn)('cuts off a last line that was never acknowledged: %s', async (_, spoil) => {
    const files = new MemoryFiles();
    const journal = await open(files);
    await journal.write({ t: 'order', order: heldOrder() });
    files.content.set(PATH, spoil(files.content.get(PATH) ?? Buffer.alloc(0)));
    const again = await open(files);
    expect(again.state).toEqual(journal.state);
    await again.write({ t: 'forget', subject: 'x' });
    expect((await open(files)).state.records.size).toBe(1);
  });

  const corrupt: [string, (text: string) => string, RegExp][] = [
    ['a changed letter', (text) => text.replace('shop-local-r2', 'shop-local-r3'), /line 2: the checksum/],
    [
      'a line that is gone',
      (text) => text.split('\n').slice(1).join('\n'),
      /line 1: the journal has no header/,
    ],
    [
      'an order that is gone',
      (text) =>
        text
          .split('\n')
          .filter((_, n) => n !== 1)
          .join('\n'),
      /line 2: entry for default\/shop-local-r2-e1-s1, which no order made/,
    ],
  ];
  it.each(corrupt)('refuses %s', async (_, spoil, says) => {
    const files = new MemoryFiles();
    const journal = await open(files);
    const order = heldOrder();
    await journal.write({ t: 'order', order });
    await journal.write(stateEntry(order, 'Running'));
    files.content.set(PATH, Buffer.from(spoil((files.content.get(PATH) ?? '').toString())));
    await expect(open(files)).rejects.toThrow(says);
  });

  it('refuses the journal of another cluster', async () => {
    const files = new MemoryFiles();
    await (await open(files)).write({ t: 'forget', subject: 'x' });
    await expect(open(files, 'eu')).rejects.toThrow(/belongs to cluster local, not to eu/);
  });

  it('does not believe what a failed write left, and rewrites the file', async () => {
    const files = new MemoryFiles();
    const journal = await open(files);
    await journal.write({ t: 'order', order: heldOrder() });
    files.faults.push({ error: new Error('EIO'), torn: true });
    await expect(journal.write({ t: 'forget', subject: 'x' })).rejects.toThrow('EIO');
    files.calls.length = 0;
    await journal.write({ t: 'forget', subject: 'y' });
    expect(files.calls).toEqual(['writeAtomic', 'append']);
    expect((await open(files)).state).toEqual(journal.state);
  });

  it('tries until the disk takes it, and shows nothing before', async () => {
    const files = new MemoryFiles();
    const journal = await open(files);
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    files.faults.push({ error: full }, { error: full });
    const order = heldOrder();
    const written = journal.writeUntilDurable({ t: 'order', order }, new AbortController().signal);
    expect(journal.state.records.size).toBe(0);
    await written;
    expect(journal.state.records.size).toBe(1);
  });
});
