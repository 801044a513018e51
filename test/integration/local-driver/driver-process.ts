/** A local driver in a process of its own, for tests that kill it: calls come over the channel of `fork`. */
import { createLocalDriver } from '../../../src/drivers/local/local-driver.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { nodeFiles } from '../../../src/lib/files-node.ts';
import { createLog } from '../../../src/lib/log.ts';
import { nodeNetwork } from '../../../src/lib/network-node.ts';
import { nodeProcesses } from '../../../src/lib/processes-node.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { ControlSocketClient } from '../../../src/router/control-socket-client.ts';

const [directory = '', port = '', artifact = ''] = process.argv.slice(2);
const local = await createLocalDriver({
  dataDirectory: directory,
  routerControl: new ControlSocketClient(`${directory}/router.sock`),
  artifacts: async () => artifact,
  secrets: async () => ({}),
  processes: nodeProcesses(),
  network: nodeNetwork(),
  files: nodeFiles(),
  clock: systemClock(),
  random: systemRandom(),
  log: createLog({ process: 'agent', level: 'error' }),
  entry: { host: '127.0.0.1', port: Number(port) },
  proof: { requests: 3 },
});

interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}
const methods = { ...local.driver, ...bound(local.trafficRouter) } as unknown as Record<
  string,
  (...args: readonly unknown[]) => Promise<unknown>
>;
process.on('message', ({ id, method, args }: Call) => {
  void (async () => {
    try {
      process.send?.({ id, value: await methods[method]?.(...args) });
    } catch (error) {
      process.send?.({ id, error: String(error) });
    }
  })();
});
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0 });

function bound(router: object): object {
  const of = router as Record<string, (...args: readonly unknown[]) => unknown>;
  return Object.fromEntries(
    ['setTraffic', 'traffic', 'load', 'totals'].map((name) => [
      name,
      (...args: readonly unknown[]) => of[name]?.apply(router, [...args]),
    ]),
  );
}
