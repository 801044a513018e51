import { describe, expect, test } from 'vitest';
import type { ApplicationSpecInput } from '../../api/application.ts';
import { EnvironmentSpec } from '../../api/environment.ts';
import { resolveApplication } from '../../engine/application/resolve.ts';
import { Told } from './assumptions.ts';
import { rehearse } from './rehearse.ts';
import type { RehearsalReport } from './report.ts';
import type { Subject } from './side.ts';
import { applicationSubject } from './subject.ts';

type Written = ApplicationSpecInput & { workload?: object };

/** The example shop, with something else about it. */
function shop(
  more: Partial<Written> = {},
  environment: object = {},
  stands: 'same' | null = 'same',
): Subject {
  const spec = {
    workload: {
      artifact: `shop@sha256:${'0'.repeat(64)}`,
      command: ['node', 'server.js'],
      port: { env: 'PORT' },
      replicas: 4,
      readiness: { http: { path: '/healthz' }, interval: '100ms' },
      drain: { timeout: '30s' },
    },
    routes: [{ host: 'shop.localhost' }],
    strategy: { scaled: {} },
    gates: [{ after: 1, name: 'smoke', http: { path: '/version' } }],
    ...more,
  };
  const environmentSpec = EnvironmentSpec.parse(environment);
  const resolved = resolveApplication(spec, { name: 'shop', environment: 'local', environmentSpec });
  if (!resolved.ok) throw new TypeError(JSON.stringify(resolved.error));
  return applicationSubject(resolved.value, environmentSpec, stands, 'app.yaml');
}

const play = (subject: Subject, told: object = {}, runs = 2, from = 1): Promise<RehearsalReport> =>
  rehearse({ subject, told: Told.parse(told), runs, from });
const kinds = ({ findings }: RehearsalReport): string[] =>
  findings.map(({ kind, place }) => `${kind} ${place}`);
const gate = (more: object) => [{ after: 1, name: 'smoke', http: { path: '/version' }, ...more }];
const watched = (retention: string) => ({
  strategy: { blueGreen: { pause: [], retention: { time: retention } } },
  gates: [{ after: 2, name: 'watch', soak: { duration: '2m' } }],
});

describe('a rehearsal finds by its cause', () => {
  test.each<[string, Subject, object, string, RegExp]>([
    [
      'a drain that is shorter than the longest request',
      shop(),
      { longestRequest: '45s' },
      'requestsCut shop.drain.timeout',
      /drain\.timeout of shop is 30s, and a request may take 45 s/,
    ],
    [
      'a drain with its grace that is shorter still',
      shop(),
      { longestRequest: '100s', finishesOnSigterm: true },
      'requestsCut shop.drain.timeout',
      /30s and drain\.grace 30s/,
    ],
    [
      'a probe that passes before the application serves',
      shop(),
      { servesAfter: '3s' },
      'servesLate shop.readiness',
      /GET \/healthz of shop passes 3\.0 s before it serves/,
    ],
    [
      'an expression that nothing fulfils',
      shop({
        gates: gate({ http: { path: '/', expect: 'response.status == 200 && response.status == 201' } }),
      }),
      {},
      'gateNeverPasses gate smoke',
      /false for every status from 100 to 599/,
    ],
    [
      'a gate that waits shorter than its answer takes',
      shop({ gates: gate({ timeout: '100ms' }) }),
      { gatesTake: '300ms' },
      'gateNeverPasses gate smoke',
      /no answer within 100 ms.*timeout 100ms/,
    ],
    [
      'an answer that was told and does not pass',
      shop(),
      { gates: { smoke: { status: 204 } } },
      'gateNeverPasses gate smoke',
      /false for the answer that was told/,
    ],
    [
      'a retention that is shorter than the soak',
      shop(watched('20s')),
      {},
      'wayBackCold strategy.retention.time',
      /kept warm for 20 s, and it is watched for 2 min/,
    ],
    [
      'a start that takes longer than its timeout',
      shop(),
      { startsIn: '2m' },
      'cannotSucceed release',
      /0 of 4 ready.* was not ready in time \(2 times in a row\)\.$/,
    ],
  ])('%s', async (_, subject, told, kind, says) => {
    const report = await play(subject, told);
    expect(kinds(report)).toEqual([kind]);
    expect(report.findings[0]?.message).toMatch(says);
    expect(report.bad).toBeGreaterThan(0);
    expect(report.story?.lines.length).toBeGreaterThan(3);
  });
});

describe('a rehearsal finds nothing', () => {
  test.each<[string, Subject, object, number]>([
    ['on any day of the whole round', shop(), {}, 20],
    ['in a first release', shop({}, {}, null), {}, 18],
    ['where requests are finished on SIGTERM', shop(), { longestRequest: '45s', finishesOnSigterm: true }, 3],
    ['where the proof waits for real answers', shop(), { servesAfter: '3s', proofNotices: true }, 3],
    ['where the old version stays warm for as long as it is watched', shop(watched('3m')), {}, 3],
    ['where a strategy keeps nothing warm, and says so', shop(), { watchedFor: '5m' }, 3],
    [
      'in pauses and approvals that somebody answers',
      shop({ strategy: { blueGreen: {} } }, { protection: { approval: {} } }),
      {},
      3,
    ],
    [
      'with a gate whose answer nobody told',
      shop({ gates: gate({ http: { path: '/', expect: 'response.body.matches("^v[0-9]+$")' } }) }),
      {},
      3,
    ],
    ['with a migration and a worker', withOthers(), {}, 5],
    ['with a gate outside and a command', shop({ gates: outside() }), {}, 3],
  ])('%s', async (_, subject, told, runs) => {
    const report = await play(subject, told, runs);
    expect(kinds(report)).toEqual([]);
    expect(report).toMatchObject({ runs, good: runs, bad: 0, story: null });
    expect(report.drills.find(({ name }) => name === 'nothing breaks')?.released).toBeGreaterThan(0);
  });

  test('and counts a broken version that was turned back as a good run', async () => {
    const { bad, turnedBack, drills } = await play(shop(), {}, 1, 8);
    expect({ bad, turnedBack }).toEqual({
      bad: 0,
      turnedBack: { 'the new version crashed again and again': 1 },
    });
    expect(drills).toMatchObject([
      { name: 'the new version crashes at its start', released: 0, turnedBack: 1 },
    ]);
  });
});

describe('a seed', () => {
  test('gives the same report, to the byte', async () => {
    const once = async () => JSON.stringify(await play(shop(), {}, 2, 19));
    expect(await once()).toBe(await once());
  });
  test('is the same run alone as among others', async () => {
    const told = { servesAfter: '3s' };
    const [many, alone] = [await play(shop(), told), await play(shop(), told, 1)];
    expect(many.findings[0]?.seed).toBe(1);
    expect(alone.story).toEqual(many.story);
  });
});

test('an interrupted rehearsal says what it has found until then', async () => {
  const ending = new AbortController();
  const report = await rehearse({
    ...{ subject: shop(), told: Told.parse({}), runs: 10, signal: ending.signal },
    progress: (done) => {
      if (done === 2) ending.abort();
    },
  });
  expect(report.runs).toBe(2);
});

test('secrets and the environment of an application are no part of what is played', async () => {
  const { workload } = { workload: shop().to.workloads.shop };
  expect(JSON.stringify(workload)).not.toContain('env":{"');
});

function withOthers(): Subject {
  const base = { command: ['x'], artifact: `x@sha256:${'1'.repeat(64)}` };
  const web = { ...base, port: {}, replicas: 2, readiness: { tcp: {} } };
  return shop({
    workload: undefined,
    workloads: { web, jobs: { ...base, type: 'worker' }, schema: { ...base, type: 'migration' } },
    routes: [{ host: 'web.localhost', workload: 'web' }],
  } as unknown as Partial<Written>);
}

function outside() {
  const url = 'https://quality.example/api?of=shop';
  return [
    { after: 1, name: 'quality', http: { url, expect: 'response.json.ok == true' } },
    { after: 1, name: 'check', command: { argv: ['check', 'shop'], idempotent: true } },
  ];
}
