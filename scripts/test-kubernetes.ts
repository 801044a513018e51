/**
 * `npm run test:kubernetes`: what needs a real cluster, and may do with it what it likes: it installs custom resources
 * and makes namespaces. That is the cluster of SLIPWAY_TEST_KUBECONFIG, which nothing else sets; else one that a kit
 * starts: a folder (SLIPWAY_KUBE_KIT) with the programs `up NAME`, which prints the path of a kubeconfig as its last
 * line, `down NAME`, `kubectl`, and `enter NAME crash DAEMON`, which kills one for a moment. Where there is neither, it
 * says so in one line and is counted as skipped. Arguments go to vitest.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from './run.ts';

const CLUSTER = 'slipway-test';
const { SLIPWAY_KUBE_KIT, SLIPWAY_TEST_KUBECONFIG } = process.env;

process.exitCode = await main();

async function main(): Promise<number> {
  if (SLIPWAY_TEST_KUBECONFIG !== undefined) {
    process.env.KUBECONFIG = SLIPWAY_TEST_KUBECONFIG;
    return await test();
  }
  if (SLIPWAY_KUBE_KIT === undefined || !existsSync(join(SLIPWAY_KUBE_KIT, 'up'))) {
    console.log(
      'skipped: Kubernetes (neither SLIPWAY_TEST_KUBECONFIG nor SLIPWAY_KUBE_KIT names a cluster to test on)',
    );
    return 0;
  }
  const kit = resolve(SLIPWAY_KUBE_KIT);
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
