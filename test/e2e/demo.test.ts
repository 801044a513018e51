import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { DemoReport } from '../../demo/report.ts';

const MAIN = fileURLToPath(new URL('../../demo/main.ts', import.meta.url));

interface Run {
  readonly code: number | null;
  readonly report: DemoReport | undefined;
  readonly words: string;
}

/** The demo as a person's shell runs it, from a directory that is not the repository's. */
function runDemo(args: readonly string[], during?: (words: string, kill: () => void) => void): Promise<Run> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, words] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    words += chunk.toString();
    during?.(words, () => child.kill('SIGINT'));
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const last = out.trimEnd().split('\n').at(-1) ?? '';
      resolve({ code, words, report: last === '' ? undefined : (JSON.parse(last) as DemoReport) });
    });
  });
}

describe('npm run demo -- --exit --json', () => {
  it('releases twice and rolls back under load without one failed request, and leaves nothing', async () => {
    const { code, report, words } = await runDemo(['--exit', '--json']);
    expect(report?.problems, words).toEqual([]);
    expect(report).toMatchObject({
      phase: 'Succeeded',
      failed: 0,
      failures: {},
      left: [],
      rollback: { phase: 'Succeeded', failed: 0 },
      reconciliation: { ok: true, routerFailed: 0, differences: [] },
    });
    expect(report?.requests).toBe((report?.finished ?? 0) + (report?.failed ?? 0));
    expect(report?.requests).toBeGreaterThan(500);
    expect(report?.releases.map(({ name, strategy, phase }) => [name, strategy, phase])).toEqual([
      ['shop-local-r1', 'scaled', 'Succeeded'],
      ['shop-local-r2', 'scaled', 'Succeeded'],
      ['shop-local-r3', 'blueGreen', 'Succeeded'],
      ['shop-local-r2-2', 'blueGreen', 'Succeeded'],
    ]);
    expect(report?.flips.map(({ release, stage }) => [release, stage])).toEqual([
      ['shop-local-r2', 2],
      ['shop-local-r2', 3],
      ['shop-local-r3', 2],
      ['shop-local-r2-2', 1],
    ]);
    for (const { inFlight } of report?.flips ?? []) {
      expect(Math.min(...Object.values(inFlight))).toBeGreaterThan(0);
    }
    expect(report?.drains.every(({ cut }) => cut === 0)).toBe(true);
    expect(code).toBe(0);
  });

  it('cleans up after Ctrl-C in the middle of a release', async () => {
    const args = ['--exit', '--json', '--replicas', '3', '--clients', '12', '--rate', '50'];
    let killed = false;
    const { code, report } = await runDemo(args, (words, kill) => {
      if (killed || !words.includes('r1 → r2')) return;
      killed = true;
      kill();
    });
    expect(report).toMatchObject({ phase: 'Interrupted', left: [] });
    expect(code).toBe(130);
  });
});
