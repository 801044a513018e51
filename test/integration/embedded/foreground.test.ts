/** `slipway up --foreground`, as a service manager starts it, ends it, and starts it again after kill -9. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TestSlipway } from './support.ts';

const SLIPWAY = fileURLToPath(new URL('../../../bin/slipway', import.meta.url));
const LONG = { timeout: 90_000 };

class Foreground {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output = '';

  constructor(slipway: TestSlipway, env: Readonly<Record<string, string>> = {}) {
    const args = ['up', '--foreground', '--data', slipway.data.root, '--app-user', 'self'];
    this.child = spawn(process.execPath, [SLIPWAY, ...args, '--http', '0', '--api', '0'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
  }
}

describe('up --foreground', () => {
  it('runs here until SIGTERM, which ends everything', LONG, async () => {
    await using slipway = new TestSlipway();
    const first = new Foreground(slipway);
    await slipway.ready();
    expect(slipway.pid('supervisor')).toBe(first.child.pid);
    first.child.kill('SIGTERM');
    expect(await first.ended, first.output).toBe(0);
    expect(await slipway.processes()).toEqual([]);
  });

  it('started again by systemd after kill -9, follows what the router started meanwhile', LONG, async () => {
    await using slipway = new TestSlipway();
    const service = { SLIPWAY_SERVICE: '1' };
    const first = new Foreground(slipway, service);
    await slipway.ready();
    const roles = [slipway.pid('router'), slipway.pid('manager'), slipway.pid('agent')];
    first.child.kill('SIGKILL');
    await first.ended;
    const second = new Foreground(slipway, service);
    const supervisor = await slipway.successor('supervisor', first.child.pid ?? 0);
    await slipway.ready();
    expect([slipway.pid('router'), slipway.pid('manager'), slipway.pid('agent')]).toEqual(roles);
    // Without the service's mark a second one is refused.
    const third = new Foreground(slipway);
    expect(await third.ended).not.toBe(0);
    expect(third.output).toContain('already runs on');
    expect(supervisor).not.toBe(second.child.pid);
    second.child.kill('SIGTERM');
    expect(await second.ended, second.output).toBe(0);
    expect(await slipway.processes()).toEqual([]);
  });

  it('ends with exit code 0 when somebody says "slipway down"', LONG, async () => {
    await using slipway = new TestSlipway();
    const only = new Foreground(slipway, { SLIPWAY_SERVICE: '1' });
    await slipway.ready();
    await slipway.down();
    expect(await only.ended, only.output).toBe(0);
  });
});
