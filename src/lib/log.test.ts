import { describe, expect, it } from 'vitest';
import { createLog } from './log.ts';
import { redact, redactText } from './redact.ts';

const capture = () => {
  const lines: string[] = [];
  const log = createLog({
    process: 'manager',
    version: '0.1.0',
    level: 'debug',
    write: (l) => lines.push(l),
  });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
};

describe('log', () => {
  it('writes levels in words, the process and the message', () => {
    const { log, last } = capture();
    log.warn('disk is nearly full', { freeBytes: 10 });
    expect(last()).toMatchObject({
      level: 'warn',
      process: 'manager',
      version: '0.1.0',
      message: 'disk is nearly full',
      freeBytes: 10,
    });
    expect(last().time).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it('keeps quiet below its level', () => {
    const lines: string[] = [];
    const log = createLog({ process: 'x', level: 'error', write: (l) => lines.push(l) });
    log.info('nothing');
    expect(lines).toEqual([]);
  });

  const canary = 'canary-5ecret';
  it.each<[string, unknown]>([
    ['a field by name', { password: canary }],
    ['a nested field', { request: { headers: { authorization: `Bearer ${canary}` } } }],
    ['a secret object', { object: { spec: { data: { A: canary } } } }],
    ['a list', { all: [{ token: canary }] }],
    ['bytes', { body: Buffer.from(canary) }],
  ])('redacts %s', (_, fields) => {
    const { log, lines } = capture();
    log.info('seen', fields as Record<string, unknown>);
    log.child(fields as Record<string, unknown>).info('seen');
    expect(lines).toHaveLength(2);
    expect(lines.join('')).not.toContain(canary);
  });

  it('redacts tokens by their shape in messages, fields and errors', () => {
    const { log, lines } = capture();
    const token = `slw_${'a'.repeat(43)}`;
    log.error(`bad ${token}`, { note: token, error: new Error(`no ${token}`, { cause: token }) });
    expect(lines.join('')).not.toContain('aaaaaaaaaa');
    expect(lines.join('')).toContain('slw_[redacted]');
  });

  it('survives cycles and cuts long text', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(JSON.stringify(redact(cycle))).toContain('[deeper]');
    expect(redactText('x'.repeat(10_000)).length).toBeLessThan(8_300);
  });
});
