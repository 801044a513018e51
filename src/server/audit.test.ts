import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AuditLine, fileAudit } from './audit.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-audit-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const line = (name: string): AuditLine => ({
  at: '2026-11-20T00:00:00.000Z',
  who: 'dana',
  roles: ['admin'],
  verb: 'create',
  resource: 'applications',
  kind: 'Application',
  namespace: 'default',
  name,
  outcome: 'done',
  code: 201,
  reason: null,
  why: null,
  from: '127.0.0.1',
  userAgent: null,
});
const names = async (file: string) =>
  (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((text) => (JSON.parse(text) as AuditLine).name);

describe('fileAudit', () => {
  it('keeps every line in order, also of many at once and over a restart', async () => {
    const file = join(directory, 'logs', 'audit.log');
    const wanted = Array.from({ length: 200 }, (_, i) => `n${i}`);
    const first = await fileAudit({ file });
    await Promise.all(wanted.slice(0, 150).map((name) => first.write(line(name))));
    await first.close();
    const second = await fileAudit({ file });
    for (const name of wanted.slice(150)) await second.write(line(name));
    await second.close();
    expect(await names(file)).toEqual(wanted);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('rotates a full file and keeps so many', async () => {
    const file = join(directory, 'audit.log');
    const audit = await fileAudit({ file, maxBytes: 500, keep: 2 });
    for (let i = 0; i < 20; i++) await audit.write(line(`n${i}`));
    await audit.close();
    expect((await readdir(directory)).sort()).toEqual(['audit.log', 'audit.log.1', 'audit.log.2']);
    expect((await names(file)).at(-1)).toBe('n19');
  });

  it('rejects what could not be written, and goes on when it can', async () => {
    const file = join(directory, 'audit.log');
    const audit = await fileAudit({ file });
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(() => audit.write({ ...line('bad'), why: circular as never })).toThrow();
    await audit.write(line('good'));
    await audit.close();
    expect(await names(file)).toEqual(['good']);
  });
});
