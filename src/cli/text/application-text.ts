import type { Application, ApplicationSpecInput } from '../../api/application.ts';
import type { Track } from '../../api/revision.ts';
import { cleanLine } from '../terminal/clean.ts';
import type { Paint } from '../terminal/paint.ts';
import { queueLines } from './status-text.ts';
import { formatInstant, shortRevision } from './words.ts';

/** An application, and how it stands in each environment. */
export function applicationText(
  application: Application,
  tracks: readonly Track[],
  now: number,
  paint: Paint,
): string[] {
  const { metadata } = application;
  const spec = application.spec as ApplicationSpecInput;
  const strategy = Object.keys(spec.strategy ?? { scaled: {} })[0];
  return [
    `Application ${paint.strong(metadata.name)} · ${strategy} · releases ${spec.release ?? 'auto'}`,
    ...workloadLines(metadata.name, spec),
    ...(spec.routes ?? []).map(
      ({ host, path, workload }) =>
        `  route ${host ?? '*'}${path ?? '/'}${workload === undefined ? '' : ` → ${workload}`}`,
    ),
    ...(spec.gates ?? []).map(
      (gate) =>
        `  gate ${gate.name} ${gate.before === undefined ? `after stage ${gate.after}` : `before stage ${gate.before}`}`,
    ),
    ...tracks.flatMap((track) => trackLines(track, now, paint)),
    ...(tracks.length === 0 ? [`It was never released: slipway release ${metadata.name} --watch`] : []),
  ];
}

function workloadLines(name: string, spec: ApplicationSpecInput): string[] {
  if (spec.template !== undefined) return [`  made by template ${spec.template.name}`];
  return Object.entries(spec.workloads ?? { [name]: spec.workload }).flatMap(([key, workload]) => {
    if (workload === undefined) return [];
    const from = workload.artifact ?? workload.image ?? 'nothing to run';
    const short = from.replace(/(sha256:[0-9a-f]{12})[0-9a-f]+/, '$1…');
    return [
      `  workload ${key} ×${workload.replicas ?? 1}: ${cleanLine(workload.command.join(' '))} · ${cleanLine(short)}`,
    ];
  });
}

function trackLines({ spec, status }: Track, now: number, paint: Paint): string[] {
  if (status === undefined) return [];
  const live = status.live === null ? 'nothing is live' : `${shortRevision(status.live)} serves`;
  const warm = status.warm.map(
    (one) => `${shortRevision(one.revision)} warm until ${formatInstant(one.expiresAt, now)}`,
  );
  return [
    `In ${paint.strong(spec.environment)}: ${[live, ...warm].join(', ')}`,
    ...(status.active === null
      ? []
      : [`  release ${status.active.release} is under way: slipway why ${status.active.release}`]),
    ...queueLines({ status }),
    ...(status.hold === null
      ? []
      : [
          `  ${paint.warn('!')} on hold since ${formatInstant(status.hold.since, now)} by ${cleanLine(status.hold.by)}: slipway resume ${spec.application}`,
        ]),
  ];
}
