/** The agent as a process of the embedded mode: the applications of this machine, and the way to the router. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startAgent } from '../agent/agent.ts';
import { type Dial, webSocketDial } from '../agent/connection.ts';
import { FetchedArtifacts } from '../artifacts/fetched-artifacts.ts';
import { createLocalDriver } from '../drivers/local/local-driver.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Files } from '../lib/files.ts';
import { nodeFiles } from '../lib/files-node.ts';
import { nodeNetwork } from '../lib/network-node.ts';
import { nodeProcesses } from '../lib/processes-node.ts';
import { systemRandom } from '../lib/random.ts';
import { ControlSocketClient } from '../router/control-socket-client.ts';
import { managerReads } from './agent-reads.ts';
import { collectArtifacts } from './collect-artifacts.ts';
import { DEFAULT_NAMES } from './defaults.ts';
import { type RoleContext, type RunningRole, runRole } from './role-process.ts';
import { authority, localAddress, localUrl } from './settings.ts';

/** Fresh requests that an instance answers through its preview before it joins. */
const PROOF_REQUESTS = 3;
/** From SIGTERM to SIGKILL of the applications at `slipway down`. */
const APPLICATION_GRACE_MS = 30_000;

async function agent({ data, settings, version, log }: RoleContext): Promise<RunningRole> {
  const [clock, random, files] = [systemClock(), systemRandom(), nodeFiles()];
  const [network, processes] = [nodeNetwork(), nodeProcesses()];
  const managerUrl = localUrl(settings.api);
  // The manager makes both on its first start, which may be right now.
  const [ca, token] = await Promise.all([
    present(files, join(data.keys, 'ca.crt'), clock),
    present(files, join(data.keys, 'agent.token'), clock),
  ]);
  const trust = { url: managerUrl, ca, token, version };
  let manager = managerReads(trust);
  const entry = localAddress(settings.entry[0] ?? { host: '127.0.0.1', port: 0 });
  const artifacts = new FetchedArtifacts({
    root: join(data.agent, 'artifacts'),
    fetch: (digest) => manager.artifact(digest),
    ...{ clock, random },
  });
  const local = await createLocalDriver({
    dataDirectory: data.root,
    routerControl: new ControlSocketClient(data.routerSocket),
    artifacts: (digest) => artifacts.get(digest),
    secrets: (namespace, name) => manager.secret(namespace, name),
    entry,
    proof: { requests: PROOF_REQUESTS },
    path: settings.path,
    ...(settings.appUser === null ? {} : { user: settings.appUser }),
    ...{ processes, network, files, clock, random, log },
  });
  const welcomed = Promise.withResolvers<void>();
  // The manager may have made another authority since: each connection trusts the one that is there now.
  const currentDial: Dial = async (events, signal) => {
    const now = await present(files, join(data.keys, 'ca.crt'), clock);
    if (now !== trust.ca) {
      trust.ca = now;
      manager = managerReads(trust);
    }
    return await webSocketDial({ managerUrl, ca: now, token, version })(events, signal);
  };
  const dial = tellingDial(currentDial, welcomed.resolve);
  const running = await startAgent({
    managerUrl,
    ca,
    token,
    dial,
    version,
    // Closed to everybody else, while applications pass through `agent/` itself.
    dataDirectory: join(data.agent, 'journal'),
    driver: local.driver,
    trafficRouter: local.trafficRouter,
    logs: local.logs,
    cluster: DEFAULT_NAMES.cluster,
    entry: [`http://${authority(entry)}`],
    ...{ processes, network, files, clock, random, log },
  });
  const stopping = new AbortController();
  const collecting = collectArtifacts({
    artifacts,
    named: () => new Set([...running.artifacts(), ...local.artifacts()]),
    signal: stopping.signal,
    ...{ clock, log },
  });
  await welcomed.promise;
  return {
    stop: async () => {
      stopping.abort(new Error('the agent stops'));
      await collecting;
      await running.stop();
      if (existsSync(data.downFile)) await local.stopWithInstances(APPLICATION_GRACE_MS);
      else await local.stop();
      network.close();
    },
  };
}

/** The content of a file as soon as it is there. */
async function present(files: Files, file: string, clock: Clock): Promise<string> {
  for (;;) {
    const content = await files.read(file);
    if (content !== undefined) return content.toString().trim();
    await clock.sleep(20);
  }
}

/** The same connection, which says when the manager has spoken for the first time. */
const tellingDial =
  (dial: Dial, spoken: () => void): Dial =>
  (events, signal) =>
    dial(
      {
        frame: (text) => {
          events.frame(text);
          spoken();
        },
        closed: events.closed,
      },
      signal,
    );

await runRole('agent', agent);
