import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryLock } from './kernel-lock.ts';

let work = '';
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'slipway-lock-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const MODULE = new URL('./kernel-lock.ts', import.meta.url).href;

describe('tryLock', () => {
  it('is held by one at a time, and free again after kill -9 of its holder', async () => {
    const file = join(work, 'x.lock');
    const script = `const { tryLock } = await import(${JSON.stringify(MODULE)});
      globalThis.held = tryLock(${JSON.stringify(file)});
      console.log(held === undefined ? 'refused' : 'held');
      setInterval(() => held, 1_000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      expect(
        await new Promise((resolve) => child.stdout.once('data', (line) => resolve(String(line).trim()))),
      ).toBe('held');
      expect(tryLock(file)).toBeUndefined();
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
    const own = tryLock(file);
    expect(own).toBeDefined();
    own?.[Symbol.dispose]();
  });

  it('throws where no file can be made', () => {
    expect(() => tryLock(join(work, 'none/x.lock'))).toThrow();
  });
});
