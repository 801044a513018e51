import type { Credentials } from '../../src/kubernetes/credentials.ts';
import { loadKubeconfig } from '../../src/kubernetes/kubeconfig.ts';
import type { RunCommand } from '../../src/lib/processes.ts';
import { autoClock } from './auto-clock.ts';
import { textFiles } from './text-files.ts';

export const KUBECONFIG = '/home/.kube/config';

const TWO_CONTEXTS = `
apiVersion: v1
kind: Config
current-context: one
contexts:
- name: one
  context: { cluster: one, user: u, namespace: shop }
- name: two
  context: { cluster: two, user: u, namespace: "" }
clusters:
- name: one
  cluster: { server: "https://one:6443" }
- name: two
  cluster: { server: "https://two:6443" }
users:
- name: u
  user: { token: abc }
`;

/** One context with one user. */
export const withUser = (user: string): string => `
current-context: one
contexts: [{ name: one, context: { cluster: one, user: u } }]
clusters: [{ name: one, cluster: { server: "https://one:6443" } }]
users: [{ name: u, user: ${user} }]
`;

/** One context with one cluster, without a user. */
export const withCluster = (cluster: string): string => `
current-context: one
contexts: [{ name: one, context: { cluster: one } }]
clusters: [{ name: one, cluster: ${cluster} }]
`;

/** A kubeconfig among files, and a plugin that gives a token. */
export function kubeconfigWorld(text: string = TWO_CONTEXTS) {
  const files = new Map([[KUBECONFIG, text]]);
  const runs: RunCommand[] = [];
  const ports = {
    clock: autoClock(),
    readFile: textFiles(files).readFile,
    environment: { PATH: '/bin' },
    run: async (command: RunCommand) => {
      runs.push(command);
      const stdout = '{"kind":"ExecCredential","status":{"token":"of a plugin"}}';
      return { exitCode: 0, signal: null, stdout, stderr: '', timedOut: false, ms: 1 };
    },
  };
  const load = (context?: string, paths: readonly string[] = [KUBECONFIG]): Promise<Credentials> =>
    loadKubeconfig(paths, ports, context);
  return { files, runs, load };
}
