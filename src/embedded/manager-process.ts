/** The manager as a process of the embedded mode: store, controllers, the gateway to agents, and the API. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { directoryArtifactStore } from '../artifacts/directory-artifact-store.ts';
import { startControllers } from '../controllers/controllers.ts';
import { createGateway } from '../execution/gateway.ts';
import { systemClock } from '../lib/clock.ts';
import { nodeFiles } from '../lib/files-node.ts';
import { systemRandom } from '../lib/random.ts';
import { fileAudit } from '../server/audit.ts';
import { keepCertificates } from '../server/certificate-renewal.ts';
import { ensureCertificates } from '../server/certificates.ts';
import { ensureToken, writeClientFiles } from '../server/kubeconfig.ts';
import { startServer } from '../server/server.ts';
import { openTokens } from '../server/tokens.ts';
import { keepRetention } from '../store/retention-runner.ts';
import { openSecretVault } from '../store/secret-vault.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import { DEFAULT_NAMES, ensureDefaults } from './defaults.ts';
import { type RoleContext, type RunningRole, runRole } from './role-process.ts';
import { localUrl } from './settings.ts';
import { inheritedFds } from './sockets.ts';
import { refuseForeignWork } from './version-guard.ts';

/** Between two looks at what is finished and may go, ms. */
const RETENTION_INTERVAL_MS = 3_600_000;

async function manager({ data, settings, version, log }: RoleContext): Promise<RunningRole> {
  const [clock, random, files] = [systemClock(), systemRandom(), nodeFiles()];
  const store = await openSqliteStore({ file: data.database, clock, random, programVersion: version });
  try {
    await refuseForeignWork(store, version);
    await ensureDefaults(store);
  } catch (error) {
    await store.close();
    throw error;
  }
  const names = [hostname(), ...(/^[\d.]+$|:/.test(settings.api.host) ? [] : [settings.api.host])];
  const ensure = () => ensureCertificates({ directory: data.keys, names, files, clock, random });
  const certificates = await ensure();
  const tokens = await openTokens({ file: join(data.keys, 'tokens.json'), files, clock, random });
  const tokenOf = (file: string, identity: Parameters<typeof ensureToken>[0]['identity']): Promise<string> =>
    ensureToken({ files, tokens, file: join(data.keys, file), identity });
  const { cluster, ...home } = DEFAULT_NAMES;
  const adminToken = await tokenOf('admin.token', { name: 'admin', roles: ['admin'] });
  await tokenOf('agent.token', { name: `agent-${cluster}`, roles: ['agent'], cluster });

  const artifacts = directoryArtifactStore({ root: data.artifacts });
  const gateway = createGateway({ store, clock, log, version });
  const controllers = startControllers({ store, gateway, clock, log, version });
  const server = await startServer({
    store,
    gateway,
    clock,
    random,
    log,
    version,
    tokens,
    planner: controllers.planner,
    artifacts,
    secrets: openSecretVault({ keyFile: join(data.keys, 'secrets.key'), random }),
    audit: await fileAudit({ file: join(data.logs, 'audit.jsonl') }),
    tls: { cert: certificates.cert, key: certificates.key },
    // Bound by the supervisor: while no manager runs, callers wait instead of being refused.
    listen: { fd: inheritedFds(1)[0] ?? -1 },
    // Ours to replace: the store's lock says that no other manager runs.
    socket: data.apiSocket,
  });
  const ending = new AbortController();
  const retention = keepRetention({
    store,
    artifacts,
    clock,
    intervalMs: RETENTION_INTERVAL_MS,
    signal: ending.signal,
    onPass: (outcome) => log.debug('what is finished was looked through', { ...outcome }),
    onError: (error) => log.warn('what is finished could not be cleared away', { error }),
  });
  const tellClients = (ca: string): Promise<void> =>
    writeClientFiles(files, data.root, {
      server: localUrl(settings.api),
      ca,
      socket: data.apiSocket,
      token: adminToken,
      ...home,
    });
  const renewal = keepCertificates({
    clock,
    signal: ending.signal,
    ensure,
    renewed: async (next) => {
      await tellClients(next.ca);
      server.renew(next);
      log.info('certificates were renewed', { renewed: next.renewed, expiresAt: next.expiresAt });
    },
    onError: (error) => log.warn('certificates could not be renewed; trying again', { error }),
  });
  // Written last: whoever finds a client.json finds a manager that answers.
  await tellClients(certificates.ca);
  return {
    stop: async () => {
      ending.abort();
      await server.stop();
      await controllers.stop();
      await gateway.stop();
      await Promise.all([retention, renewal]);
      await store.close();
    },
  };
}

await runRole('manager', manager);
