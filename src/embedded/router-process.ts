/** The router as a process of the embedded mode: clients' connections, and the watch over the supervisor. */
import { systemClock } from '../lib/clock.ts';
import { systemProcessTable } from '../lib/process-table.ts';
import { startRouter } from '../router/router.ts';
import { runRole } from './role-process.ts';
import { inheritedFds } from './sockets.ts';
import { keepSupervisor } from './supervisor-watch.ts';

/** What is inside at `down` gets this long; the applications have been drained by then. */
const STOP_CAP_MS = 30_000;

await runRole('router', async ({ data, settings, log }) => {
  const fds = inheritedFds(settings.entry.length + 1);
  const router = await startRouter({
    listen: fds.slice(0, settings.entry.length).map((fd) => ({ fd })),
    controlPath: data.routerSocket,
    tableFile: data.routerTable,
    log,
  });
  const ended = new AbortController();
  void keepSupervisor({
    data,
    fds,
    log,
    table: systemProcessTable(),
    clock: systemClock(),
    signal: ended.signal,
  });
  return {
    stop: async () => {
      ended.abort();
      await router.stop(STOP_CAP_MS);
    },
  };
});
