import assert from 'node:assert/strict';
import { type AdapterCase, type Bench, ids, rejected } from './base-conformance.ts';

async function released(bench: Bench): Promise<void> {
  await bench.want('r1', 1);
  await bench.serving('r1', 1);
  await bench.flip({ r1: 100 });
}

const prove = (bench: Bench, deadlineMs: number, signal = new AbortController().signal) =>
  bench.router.proveAfter({ service: bench.service, deadlineMs, signal });

const request = { method: 'GET', path: '/', headers: {}, timeoutMs: 5_000, maxBytes: 10_000 };

/** What the data plane says of itself: proofs, counts, loads and previews. */
export const evidenceConformance: readonly AdapterCase[] = [
  {
    name: 'the proof after a flip shows the versions with weight and no other',
    async run(bench) {
      await released(bench);
      await bench.want('r2', 1);
      await bench.serving('r2', 1);
      await bench.flip({ r2: 100 });
      const proof = await prove(bench, 10_000);
      assert.deepEqual([proof.ok, proof.failed], [true, 0]);
      assert.deepEqual(Object.keys(proof.seen), [bench.version('r2')]);
      assert.ok(proof.requests >= 20);
      assert.equal(proof.basis, 'version header');
    },
  },
  {
    name: 'a proof that cannot be had is refused at its deadline, with what was seen',
    async run(bench) {
      await released(bench);
      const [id = ''] = ids(await bench.serving('r1', 1));
      // What follows the dead one never gets ready, so nobody answers.
      await bench.want('r1', 1, { behaviour: 'neverReady' });
      await bench.adapter.killInstance(id);
      await bench.seen(
        'r1',
        'another in its place',
        (seen) => seen.instances.length === 1 && seen.ready === 0,
      );
      const proof = await prove(bench, 400);
      assert.equal(proof.ok, false);
      assert.ok(proof.requests > 0 && proof.failed > 0);
      assert.notEqual(proof.message, '');
    },
  },
  {
    name: 'there is no proof of a service without traffic, and none once it is called off',
    async run(bench) {
      await rejected('refused', prove(bench, 1_000));
      await released(bench);
      await assert.rejects(prove(bench, 1_000, AbortSignal.abort(new Error('called off'))));
    },
  },
  {
    name: 'totals count every request of a service by version, those of proofs included, and begin at nothing',
    async run(bench) {
      const before = await bench.router.totals(bench.service);
      assert.deepEqual([before?.source, before?.requests, before?.failed], ['router', 0, 0]);
      await released(bench);
      await bench.answers(5);
      const { requests } = await prove(bench, 10_000);
      const totals = await bench.router.totals(bench.service);
      assert.deepEqual([totals?.requests, totals?.failed], [5 + requests, 0]);
      assert.deepEqual(totals?.byVersion, { [bench.version('r1')]: { requests: 5 + requests, failed: 0 } });
    },
  },
  {
    name: 'totals count a failure by cause and by the version that failed',
    async run(bench) {
      await released(bench);
      const held = await bench.adapter.hold('request');
      const [id = ''] = ids(await bench.serving('r1', 1));
      await bench.adapter.killInstance(id);
      assert.equal(await held.outcome, 'failed');
      const totals = await bench.adapter.until('the failure is counted', async () => {
        const seen = await bench.router.totals(bench.service);
        return seen?.failed === 1 ? seen : undefined;
      });
      const causes = Object.entries(totals.failures).filter(([, count]) => count > 0);
      assert.deepEqual(causes, [['reset', 1]]);
      assert.equal(totals.byVersion[bench.version('r1')]?.failed, 1);
    },
  },
  {
    name: 'the load of a version is what is inside it now, requests and streams apart',
    async run(bench) {
      await released(bench);
      const load = () => bench.router.load(bench.service, bench.version('r1'));
      assert.deepEqual(await load(), { requests: 0, streams: 0 });
      assert.deepEqual(await bench.router.load(bench.service, bench.version('r9')), {
        requests: 0,
        streams: 0,
      });
      const held = await bench.adapter.hold('request');
      await bench.adapter.hold('stream');
      assert.deepEqual(await load(), { requests: 1, streams: 1 });
      await held.letGo();
      assert.equal(await held.outcome, 'answered');
      await bench.adapter.until('the request has left', async () =>
        (await load()).requests === 0 ? true : undefined,
      );
      assert.deepEqual(await load(), { requests: 0, streams: 1 });
    },
  },
  {
    name: 'a preview reaches exactly the version that it asks for, and no ordinary request does (INV-10)',
    async run(bench) {
      await released(bench);
      await bench.want('r2', 1);
      await bench.serving('r2', 1);
      for (const revision of ['r2', 'r1', 'r2']) {
        const answer = await bench.router.preview(bench.service, bench.version(revision), request);
        assert.deepEqual([answer.status, answer.version], [200, bench.version(revision)]);
        assert.ok(answer.ms >= 0);
      }
      assert.deepEqual(await bench.answers(20), new Set([bench.version('r1')]));
      const totals = await bench.router.totals(bench.service);
      assert.equal(totals?.byVersion[bench.version('r2')]?.requests ?? 0, 0);
      assert.equal(totals?.requests, 20, 'previews are counted apart');
    },
  },
  {
    name: 'a preview of a version without a ready instance is answered by an error, not by another version',
    async run(bench) {
      await released(bench);
      await assert.rejects(bench.router.preview(bench.service, bench.version('r9'), request));
      await bench.want('r2', 1, { behaviour: 'neverReady' });
      await assert.rejects(bench.router.preview(bench.service, bench.version('r2'), request));
    },
  },
];
