/**
 * `npm run demo`: a service is released twice and rolled back once, under load, on this machine alone.
 *
 *   --exit          end everything afterwards and leave nothing behind
 *   --json          one JSON object as the last line on standard output (demo/report.ts); words go to stderr
 *   --replicas N    instances of the shop (6)
 *   --clients N     clients of the load (64)
 *   --rate N        requests a second, streams not counted (400)
 *
 * Exit code 0 only when no request failed and every check held; 130 after Ctrl-C.
 */
import { parseArgs } from 'node:util';
import { messageOf, SlipwayError } from '../src/lib/errors.ts';
import { type DemoOptions, runDemo } from './demo.ts';
import { createScreen } from './screen.ts';

const { values } = parseArgs({
  options: {
    exit: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    replicas: { type: 'string', default: '6' },
    clients: { type: 'string', default: '64' },
    rate: { type: 'string', default: '400' },
  },
});

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (interrupt.signal.aborted) return;
    process.stderr.write('\nEnding the demo …\n');
    interrupt.abort(new Error(`ended by ${signal}`));
  });
}

const options: DemoOptions = {
  exit: values.exit,
  replicas: Number(values.replicas),
  clients: Number(values.clients),
  rate: Number(values.rate),
  signal: interrupt.signal,
  screen: createScreen(values.json ? process.stderr : process.stdout),
};

try {
  const report = await runDemo(options);
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = report.phase === 'Succeeded' ? 0 : report.phase === 'Interrupted' ? 130 : 1;
} catch (error) {
  const next = error instanceof SlipwayError && error.next !== undefined ? `\n  ${error.next}` : '';
  process.stderr.write(`✗ ${messageOf(error)}${next}\n`);
  process.exitCode = 1;
}
