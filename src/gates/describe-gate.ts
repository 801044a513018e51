import { type Gate, gateKind } from '../api/gate.ts';
import { durationMs, formatDuration } from '../lib/durations.ts';

/** A gate in words: what is asked, of whom, and what makes it a yes. */
export function describeGate(gate: Gate): string {
  switch (gateKind(gate)) {
    case 'http': {
      const { method, path, url, expect } = gate.http ?? { method: 'GET', expect: '' };
      const target = path === undefined ? `${method} ${url}` : `${method} ${path} of the new version`;
      return `${target} until ${expect}${repeats(gate)}`;
    }
    case 'command':
      return `run ${gate.command?.argv.join(' ')} until it ends with code 0${repeats(gate)}`;
    case 'approval':
      return `approval by ${gate.approval?.by}, expires after ${words(gate.approval?.expires)}`;
    case 'soak':
      return `wait ${words(gate.soak?.duration)} and watch`;
  }
}

function repeats(gate: Gate): string {
  const parts = [
    ...(gate.successes > 1 ? [`${gate.successes} times in a row`] : []),
    ...(gate.failureLimit > 1 ? [`at most ${gate.failureLimit} failures`] : []),
    ...(gate.successes > 1 || gate.failureLimit > 1 ? [`every ${words(gate.interval)}`] : []),
  ];
  return parts.length === 0 ? '' : `, ${parts.join(', ')}`;
}

const words = (duration: string | undefined): string =>
  duration === undefined ? 'never' : formatDuration(durationMs(duration));
