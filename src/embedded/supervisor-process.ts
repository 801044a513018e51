/**
 * The supervisor as a process of its own. `up` starts it detached; the router starts it with its listening
 * sockets when the one before is gone. SIGTERM ends this Slipway as `slipway down` does.
 */
import { systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { dataDirectory } from './data-directory.ts';
import { EXIT_ALREADY_RUNS, EXIT_REFUSED } from './role-process.ts';
import { readSettings } from './settings.ts';
import { Supervisor } from './supervisor.ts';
import { slipwayVersion } from './version.ts';

const version = slipwayVersion();
const log = createLog({ process: 'supervisor', version });

async function main(): Promise<void> {
  process.on('SIGHUP', () => undefined);
  const data = dataDirectory(process.env.SLIPWAY_DATA ?? '');
  const settings = readSettings(data);
  if (settings === undefined) throw new Error(`${data.settingsFile} is missing`);
  const supervisor = await Supervisor.start({
    data,
    settings,
    inherits: process.env.SLIPWAY_INHERITS === '1',
    version,
    clock: systemClock(),
    log,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void supervisor.stop());
  await supervisor.ended;
  await supervisor.close();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const code = (error as { code?: unknown }).code;
    log.error('the supervisor ends', { error: messageOf(error) });
    process.exit(code === 'alreadyExists' || code === 'conflict' ? EXIT_ALREADY_RUNS : EXIT_REFUSED);
  },
);
