import { describe, expect, it } from 'vitest';
import { runCampaign } from './campaign.ts';

describe('kill -9 of manager, agent and supervisor during releases under load', () => {
  it('fails no request and loses no acknowledged write', { timeout: 240_000 }, async () => {
    const report = await runCampaign({
      kills: 2,
      victims: ['manager', 'agent', 'supervisor'],
      seed: 20_261_120,
      replicas: 2,
      clients: 12,
      rate: 60,
    });
    const { ok, failed, failures, firstFailures, writes, problems, left, kills } = report;
    expect({ ok, failed, failures, firstFailures, lost: writes.lost, problems, left }).toEqual({
      ok: true,
      failed: 0,
      failures: {},
      firstFailures: [],
      lost: [],
      problems: [],
      left: [],
    });
    expect(kills).toEqual({ manager: 2, agent: 2, supervisor: 2 });
    expect(writes.acknowledged).toBeGreaterThan(10);
  });
});
