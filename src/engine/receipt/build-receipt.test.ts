import { describe, expect, it } from 'vitest';
import { VirtualRelease, virtualSpec } from '../../../test/support/virtual-release.ts';
import type { ExecutionSpec, ExecutionStatus } from '../../api/execution.ts';
import type { Instruction } from '../../api/plan.ts';
import { Strategy } from '../../api/strategy.ts';
import { buildReceipt } from './build-receipt.ts';

type Evidence = Readonly<Record<string, Record<string, unknown>>>;

const revision = (number: number) => ({
  name: `shop-local-r${number}`,
  spec: { application: 'shop', environment: 'local', number, digest: '', workloads: [], parameters: {} },
});

function executionOf(instructions: readonly Instruction[], evidence: Evidence, sequence: number) {
  const spec = {
    stage: sequence,
    sequence,
    epoch: 1,
    cluster: 'local',
    instructions,
    from: revision(1),
    to: revision(2),
  } as unknown as ExecutionSpec;
  const status: ExecutionStatus = {
    phase: 'Succeeded',
    instructions: instructions.map(({ id }) => ({
      id,
      state: 'done',
      startedAt: null,
      endedAt: null,
      message: '',
      evidence: evidence[id] ?? {},
    })),
    failure: null,
    traffic: null,
    acceptedAt: null,
    endedAt: null,
  };
  return { spec, status };
}

const receiptOf = (strategy: unknown, evidence: (stage: number) => Evidence) => {
  const spec = virtualSpec({ strategy: Strategy.parse(strategy) });
  const { status } = new VirtualRelease({ strategy: Strategy.parse(strategy) }).settle();
  const executions = spec.plan.stages.map((stage) =>
    executionOf(stage.instructions, evidence(stage.number), stage.number),
  );
  return buildReceipt({ name: 'shop-local-r2', spec, status, executions, gateRuns: [] });
};

describe('buildReceipt', () => {
  it('gives each flip the proofs of its own stage', () => {
    const receipt = receiptOf({ scaled: {} }, (stage) => ({
      'shop/prove-before': { summary: `${stage} before` },
      'shop/traffic': { flipMs: stage, at: '2026-11-20T12:00:00.000Z', weights: { 'shop-r2': 67 } },
      'shop/prove-after': { summary: `${stage} after` },
      'shop/drain-old': { ms: 5, requests: 2, streams: 1, cut: 0 },
    }));
    expect(
      receipt.flips.map(({ stage, proofBefore, proofAfter }) => [stage, proofBefore, proofAfter]),
    ).toEqual([
      [2, '2 before', '2 after'],
      [3, '3 before', '3 after'],
    ]);
    expect(receipt.drains.map(({ version }) => version)).toEqual(['shop-r1', 'shop-r1']);
  });

  it('counts the requests of proofs after flips apart, those of a rolling update too', () => {
    const evidence = {
      'shop/prove-before': { requests: 9 },
      'shop/prove-after': { when: 'after', requests: 27 },
    };
    expect(receiptOf({ scaled: {} }, () => evidence).proofs).toEqual({ source: 'agent', total: 2 * 27 });
    const rolled = { 'shop/roll': { proofs: { requests: 31, failed: 0 } } };
    expect(receiptOf({ rolling: {} }, () => rolled).proofs?.total).toBe(31);
    expect(receiptOf({ scaled: {} }, () => ({})).proofs).toEqual({ source: 'not measured', total: null });
  });

  it('shows the flip, proof and drain of a rolling update, which stand in one instruction', () => {
    const receipt = receiptOf({ rolling: {} }, () => ({
      'shop/roll': {
        flipMs: 1,
        at: '2026-11-20T12:00:00.000Z',
        weights: { 'shop-r2': 100 },
        proof: { summary: '27/27' },
        drain: { ms: 9, requests: 1, streams: 0, cut: 0, killed: 2 },
      },
    }));
    expect(receipt.flips[0]?.proofAfter).toBe('27/27');
    expect(receipt.drains).toMatchObject([{ version: 'shop-r1', ms: 9, requests: 1, killed: 2 }]);
  });

  it('says "not measured" and never 0 where nothing counted', () => {
    const receipt = receiptOf({ blueGreen: { pause: [] } }, () => ({}));
    expect(receipt.requests).toMatchObject({
      source: 'not measured',
      total: null,
      failed: null,
      answered5xx: null,
    });
    expect(receipt.prober).toMatchObject({ source: 'not measured', total: null });
  });
});
