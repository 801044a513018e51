import { expect, it } from 'vitest';
import { Gate } from '../api/gate.ts';
import { describeGate } from './describe-gate.ts';

it.each([
  [{ http: { path: '/healthz' } }, 'GET /healthz of the new version until response.status == 200'],
  [
    { http: { url: 'https://qa.example/' }, successes: 3, failureLimit: 2, interval: '5s' },
    'GET https://qa.example/ until response.status == 200, 3 times in a row, at most 2 failures, every 5.0 s',
  ],
  [{ command: { argv: ['smoke', '--all'] } }, 'run smoke --all until it ends with code 0'],
  [{ approval: { by: 'dana', expires: '2h' } }, 'approval by dana, expires after 2 h'],
  [{ soak: { duration: '10m' } }, 'wait 10 min and watch'],
])('%o', (gate, words) => expect(describeGate(Gate.parse({ name: 'g', after: 1, ...gate }))).toBe(words));
