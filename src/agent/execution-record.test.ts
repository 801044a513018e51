import { describe, expect, it } from 'vitest';
import { executionSpec, FULL } from '../../test/support/execution-orders.ts';
import type { GateRunStatus } from '../api/execution.ts';
import { ExecutionRecord } from './execution-record.ts';
import { acceptedStatus } from './journal-entries.ts';

const AT = '2026-11-20T12:00:00.000Z';
const SPEC = executionSpec([
  { id: 'ensure', needs: [], type: 'ensureWorkload', side: 'to', workload: 'shop', replicas: FULL },
  { id: 'ready', needs: ['ensure'], type: 'awaitReady', side: 'to', workload: 'shop', replicas: FULL },
]);
const PASSED: GateRunStatus = {
  ...{ state: 'done', verdict: 'pass', message: 'ended with code 0', startedAt: AT, endedAt: AT },
  ...{ samples: [], by: null, why: null },
};

function recordOf() {
  const record = new ExecutionRecord(SPEC, acceptedStatus(SPEC, AT), {});
  record.begin(SPEC.instructions.slice(0, 1), AT);
  record.saved({ status: record.status, gateRuns: {} });
  return record;
}
const told = (record: ExecutionRecord) => record.told.status.instructions.map(({ state }) => state);

describe('what may be told before the journal has it (INV-13)', () => {
  it('is no result', () => {
    const record = recordOf();
    record.set('ensure', { state: 'done', endedAt: AT, message: '4 instances wanted' });
    expect(told(record)).toEqual(['running', 'pending']);
    record.saved({ status: record.status, gateRuns: {} });
    expect(told(record)).toEqual(['done', 'pending']);
  });

  it('is no failure', () => {
    const record = recordOf();
    record.fail('ensure', { reason: 'deadline', message: '', affects: '', next: '' });
    expect(record.told.status.failure).toBeNull();
  });

  it('is no verdict of a gate, and the words are', () => {
    const record = recordOf();
    record.setGateRun('smoke', PASSED);
    expect(record.told.gateRuns.smoke).toMatchObject({
      ...{ state: 'running', verdict: null, message: 'ended with code 0' },
    });
    record.saved({ status: record.status, gateRuns: record.gateRuns });
    expect(record.told.gateRuns.smoke).toEqual(PASSED);
  });
});
