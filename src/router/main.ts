/**
 * The router's process: arguments in, exit code out. `startRouter` is the rest.
 *
 *   node src/router/main.ts --control PATH --table FILE (--listen HOST:PORT | --listen-fd 3[,4])
 *
 * One line on standard output, `{"event":"listening","addresses":[…]}`, when it serves. SIGTERM and
 * SIGINT stop it gracefully; a second one at once. Exit code 0 after a stop, 1 when it cannot start,
 * 2 for wrong arguments.
 */
import { isSlipwayError, messageOf } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { type RouterArguments, readArguments } from './arguments.ts';
import { startRouter } from './router.ts';

async function main(): Promise<void> {
  const log = createLog({ process: 'router' });
  const parsed = readArguments(process.argv.slice(2));
  if (!parsed.ok) {
    process.stderr.write(`slipway router: ${parsed.error}\n`);
    process.exitCode = 2;
    return;
  }
  const args: RouterArguments = parsed.value;
  const router = await startRouter({ ...args, log });
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    router.stop(args.stopCapMs).then(
      () => process.exit(0),
      (error: unknown) => {
        log.error('router did not stop', { error });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Last: whoever reads it may send a signal at once.
  process.stdout.write(`${JSON.stringify({ event: 'listening', addresses: router.addresses })}\n`);
}

main().catch((error: unknown) => {
  const next = isSlipwayError(error) && error.next ? ` (${error.next})` : '';
  process.stderr.write(`slipway router: ${messageOf(error)}${next}\n`);
  process.exitCode = 1;
});
