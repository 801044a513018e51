/**
 * `npm run test:kubernetes`: what needs a real cluster. It takes the one of KUBECONFIG, else it starts one by the
 * kit (SLIPWAY_KUBE_KIT, or `../shared/kube` beside the checkout) and ends what it started. Where there is neither,
 * it says so in one line and is counted as skipped. Arguments go to vitest.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from './run.ts';

const CLUSTER = 'slipway-test';
const kit = resolve(process.env.SLIPWAY_KUBE_KIT ?? join(import.meta.dirname, '../../shared/kube'));

process.exitCode = await main();

async function main(): Promise<number> {
  if (process.env.KUBECONFIG !== undefined) return await test();
  if (!existsSync(join(kit, 'up')) || process.getuid?.() !== 0) {
    console.log('skipped: Kubernetes (no KUBECONFIG, and no kit here that starts a cluster; it needs root)');
    return 0;
  }
  const kubeconfig = execFileSync(join(kit, 'up'), [CLUSTER], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    process.env.KUBECONFIG = kubeconfig.trim().split('\n').at(-1) ?? '';
    process.env.SLIPWAY_KUBECTL = join(kit, 'kubectl');
    process.env.SLIPWAY_KUBE_KIT = kit;
    process.env.SLIPWAY_TEST_CLUSTER = CLUSTER;
    return await test();
  } finally {
    execFileSync(join(kit, 'down'), [CLUSTER], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
}

/** Those that break the cluster come last and alone. */
async function test(): Promise<number> {
  let failed = 0;
  for (const project of ['kubernetes', 'kubernetes-faults']) {
    const { code } = await run([
      ...['vitest', 'run', '--project', project, '--passWithNoTests'],
      ...process.argv.slice(2),
    ]);
    failed ||= code;
  }
  return failed;
}
