/**
 * The load that judges releases: users that send every kind of traffic, without any retry, and a ledger in
 * which every request is booked. It is a process of its own, so that nothing that is judged can slow, stop or
 * share a connection with the judge. Ends with 0 when nothing failed, 1 when something did, 2 when it could
 * not run.
 */
import { createInterface } from 'node:readline';
import { keepBusy, makeClients } from './clients.ts';
import { type ControlMessage, type ControlRequest, parseControlRequest } from './control.ts';
import { Ledger } from './ledger.ts';
import { type LoadSettings, parseSettings, USAGE } from './options.ts';
import type { LoadReport } from './report.ts';

type EndedBy = LoadReport['endedBy'];

async function main(settings: LoadSettings): Promise<void> {
  const startedAt = performance.now();
  const ledger = new Ledger();
  const stopping = new AbortController();
  let endedBy: EndedBy = 'stop';
  const stop = (by: EndedBy) => {
    if (stopping.signal.aborted) return;
    endedBy = by;
    stopping.abort();
  };
  const cap = setTimeout(() => stop('maxDuration'), settings.maxDurationMs);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop('signal'));

  const control = settings.control === 'stdio' ? listen(ledger, stop) : undefined;
  const users = makeClients(settings, ledger);
  if (control !== undefined) say({ event: 'ready', pid: process.pid, seed: settings.seed });
  await Promise.all(users.map((user) => keepBusy(user, stopping.signal)));

  clearTimeout(cap);
  const wallMs = performance.now() - startedAt;
  const books = ledger.close();
  const report: LoadReport = {
    ...books,
    marks: ledger.marks,
    endedBy,
    wallMs,
    requestsPerSecond: (books.started * 1_000) / wallMs,
    latency: ledger.latency(),
  };
  if (control === undefined) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else say({ event: 'report', report });
  control?.close();
  process.exitCode = books.failed === 0 ? 0 : 1;
}

/** Answers commands on standard input; its end means that the parent is gone. */
function listen(ledger: Ledger, stop: (by: EndedBy) => void): { close(): void } {
  const lines = createInterface({ input: process.stdin });
  // A parent that died does not read either: the load ends by itself.
  process.stdout.on('error', () => stop('parentGone'));
  lines.on('close', () => stop('parentGone'));
  lines.on('line', (line) => {
    try {
      answer(parseControlRequest(line), ledger, stop);
    } catch (error) {
      say({ event: 'refusal', id: null, error: error instanceof Error ? error.message : String(error) });
    }
  });
  return {
    close: () => {
      lines.close();
      process.stdin.destroy();
    },
  };
}

function answer(request: ControlRequest, ledger: Ledger, stop: (by: EndedBy) => void): void {
  const { id } = request;
  switch (request.cmd) {
    case 'mark':
      say({ event: 'answer', id, result: ledger.mark(request.name) });
      return;
    case 'inFlightAt':
      say({ event: 'answer', id, result: ledger.inFlightAt(request.atMs) });
      return;
    case 'snapshot':
      say({ event: 'answer', id, result: ledger.snapshot() });
      return;
    case 'stop':
      say({ event: 'answer', id, result: null });
      stop('stop');
      return;
  }
}

function say(message: ControlMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

try {
  await main(parseSettings(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
  process.exit(2);
}
