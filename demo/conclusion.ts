import { receiptText } from '../src/cli/text/receipt-text.ts';
import { formatMs, formatNumber, shortRevision } from '../src/cli/text/words.ts';
import type { ReleaseOutcome } from './release.ts';
import type { DemoReport } from './report.ts';
import type { Screen } from './screen.ts';
import type { DemoPlace } from './slipway.ts';

/** What a person reads at the end: what happened, the receipts, and what to try next. */
export function conclude(
  screen: Screen,
  place: DemoPlace,
  releases: readonly ReleaseOutcome[],
  report: DemoReport,
): void {
  const { paint } = screen;
  if (report.phase === 'Interrupted') {
    const rest = report.left?.length === 0 ? 'nothing is left of it' : `left: ${report.left?.join('; ')}`;
    screen.say(`The demo was interrupted; ${rest}.`);
    return;
  }
  for (const line of report.releases.slice(1)) {
    const flipped = report.flips.filter((flip) => flip.release === line.name).at(-1)?.flipMs;
    const words = [
      `${line.from === null ? '' : `${shortRevision(line.from)} → `}${shortRevision(line.to)}`,
      line.strategy,
      ...(flipped === undefined ? [] : [`flipped in ${formatMs(flipped)}`]),
      `${formatNumber(line.failed ?? 0)} of ${formatNumber(line.requests ?? 0)} requests failed`,
      formatMs(line.wallMs),
    ];
    screen.say(`${line.phase === 'Succeeded' ? paint.good('✓') : paint.bad('✗')} shop ${words.join(' · ')}`);
  }
  const receipts = releases
    .slice(1)
    .flatMap(({ receipt, line }) =>
      receipt === undefined ? [] : ['', ...receiptText(line.name, receipt.spec, Date.now(), paint)],
    );
  screen.say(...receipts, '');
  const { reconciliation: counts, rollback } = report;
  if (rollback !== null) {
    screen.say(`Rollback to the warm r2: one flip, ${formatMs(rollback.wallMs)}, ${rollback.failed} failed`);
  }
  screen.say(`${formatNumber(report.requests)} requests in all, ${formatNumber(report.failed)} failed.`);
  if (counts?.ok) {
    const own = `${counts.proofs} proofs and ${counts.probes} probes of its own`;
    screen.say(`The router counted the same: ${formatNumber(counts.router)}, with ${own}.`);
  }
  for (const problem of report.problems) screen.say(`${paint.bad('✗')} ${problem}`);
  if (report.left !== null) {
    screen.say(
      report.left.length === 0 ? 'Nothing was left behind.' : `Left behind: ${report.left.join('; ')}`,
    );
    return;
  }
  const slipway = 'bin/slipway';
  screen.say(
    '',
    'It goes on running. Try:',
    `  export SLIPWAY_DATA=${place.data.root}`,
    `  ${slipway} status`,
    `  ${slipway} why shop`,
    `  ${slipway} receipt shop-local-r3`,
    `  ${slipway} release shop --artifact examples/shop/v3 --watch`,
    `  ${slipway} down && rm -r ${place.directory}      to end it`,
  );
}
