import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SlipwayError } from '../../lib/errors.ts';
import type { Context } from '../context.ts';
import type { WorkloadChange } from './application-change.ts';
import { subjectOf } from './rehearse-subject.ts';

const APPLIED = `shop@sha256:${'ab'.repeat(32)}`;
const OTHER = `shop@sha256:${'cd'.repeat(32)}`;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-rehearse-'));
  writeFileSync(join(directory, 'server.js'), '');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const application = {
  kind: 'Application',
  metadata: { name: 'shop' },
  spec: {
    workload: { artifact: APPLIED, command: ['node'], port: { env: 'PORT' }, readiness: { tcp: {} } },
  },
};
const release = { metadata: { name: 'web-local-r2' }, spec: { application: 'web' } };
/** Everything that is asked for; an upload is not there to be asked for. */
const api = {
  list: (kind: string) => Promise.resolve({ items: kind === 'Release' ? [release] : [] }),
  get: (kind: string, name: string) => {
    if (kind === 'Environment') return Promise.resolve({ spec: { clusters: ['local'] } });
    if (kind === 'application' && name === 'shop') return Promise.resolve(application);
    return Promise.reject(new SlipwayError('notFound', `no ${kind} ${name}`));
  },
  find: () => Promise.resolve(undefined),
};

/** The artifact that would be released, and what it is called. */
async function rehearsed(word: string | undefined, change: WorkloadChange, file?: string) {
  const context = {
    io: { directory, environment: {} },
    options: {},
    note: () => undefined,
    connect: () => Promise.resolve({ api, namespace: 'default', environment: 'local' }),
  } as unknown as Context;
  const build = {
    applicationSubject: (resolved: { workloads: object }, _: unknown, __: unknown, source: string) => ({
      resolved,
      source,
    }),
    releaseSubject: () => ({}),
  } as unknown as Parameters<typeof subjectOf>[1];
  const subject = (await subjectOf(context, build, { word, file, change })) as unknown as {
    resolved: { workloads: Record<string, { artifact?: string }> };
    source: string;
  };
  return [subject.resolved.workloads.shop?.artifact, subject.source];
}

describe('an application with other content', () => {
  test.each<[string, WorkloadChange, RegExp, string]>([
    ['none', {}, new RegExp(`^${APPLIED}$`), 'nothing → what is applied'],
    ['by digest', { artifact: OTHER }, new RegExp(`^${OTHER}$`), `nothing → what is applied with ${OTHER}`],
    [
      'a directory, which is not uploaded',
      { artifact: '.' },
      /^shop@sha256:(?!abab)[0-9a-f]{64}$/,
      'nothing → what is applied with .',
    ],
  ])('%s', async (_, change, artifact, source) => {
    expect(await rehearsed('shop', change)).toEqual([expect.stringMatching(artifact), source]);
  });

  test.each<[string, string | undefined, string | undefined, RegExp]>([
    ['nothing named', undefined, undefined, /What is to be rehearsed/],
    ['a file alone', undefined, 'app.yaml', /A file names its own artifact/],
    ['a file for an application', 'shop', 'app.yaml', /A file names its own artifact/],
    ['a release', 'web-local-r2', undefined, /is a release, whose content was chosen/],
  ])('is refused for %s', async (_, word, file, says) => {
    await expect(rehearsed(word, { artifact: '.' }, file)).rejects.toThrow(says);
  });
});
