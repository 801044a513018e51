import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogFile } from './log-file.ts';

let work = '';
let log: LogFile;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'slipway-log-'));
  log = new LogFile(join(work, 'x.log'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

describe('LogFile', () => {
  it('tells the last lines since a position, as a person wants them', () => {
    appendFileSync(log.path, 'long ago\n');
    const position = log.size();
    appendFileSync(
      log.path,
      '{"level":"error","message":"it ends","error":{"message":"no room"}}\nplain\n{"cut',
    );
    expect(log.tail(position, 5)).toEqual(['it ends: no room', 'plain', '{"cut']);
    expect(log.tail(position, 1)).toEqual(['{"cut']);
    expect(new LogFile(join(work, 'none.log')).tail()).toEqual([]);
  });

  it('rotates under a process that goes on writing, and keeps three', () => {
    const fd = log.open();
    for (let n = 1; n <= 6; n++) {
      writeSync(fd, `${n} ${'x'.repeat(100)}\n`);
      expect(log.rotate(100)).toBe(true);
    }
    writeSync(fd, 'now\n');
    closeSync(fd);
    expect(log.rotate(100)).toBe(false);
    expect(readFileSync(log.path, 'utf8')).toBe('now\n');
    expect(readdirSync(work).sort()).toEqual(['x.log', 'x.log.1', 'x.log.2', 'x.log.3']);
    expect(readFileSync(join(work, 'x.log.1'), 'utf8')).toMatch(/^6 /);
    expect(readFileSync(join(work, 'x.log.3'), 'utf8')).toMatch(/^4 /);
  });

  it('begins at the front again after a rotation', () => {
    appendFileSync(log.path, `${'x'.repeat(200)}\n`);
    const position = log.size();
    log.rotate(100);
    appendFileSync(log.path, 'new\n');
    expect(log.tail(position)).toEqual(['new']);
  });
});
