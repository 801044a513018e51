import type { Application } from '../../api/application.ts';
import type { Environment } from '../../api/environment.ts';
import type { Execution, GateRun, Receipt } from '../../api/execution.ts';
import type { ApiObject } from '../../api/meta.ts';
import type { Command, Release } from '../../api/release.ts';
import type { Revision, Track } from '../../api/revision.ts';
import { phaseOf } from '../progress/view.ts';
import {
  formatAge,
  formatBytes,
  formatMs,
  formatNumber,
  shortHash,
  shortRevision,
  withoutTime,
} from './words.ts';

/** One column of `slipway get`. `wide` ones show with `-o wide` alone. */
export interface Column<T> {
  readonly title: string;
  readonly wide?: true;
  readonly cell: (object: T, now: number) => string;
}

// A table of columns holds cells of one kind; which kind it is is known by its key alone.
type AnyColumn = Column<never>;

const column = <T>(title: string, cell: (object: T, now: number) => string): Column<T> => ({ title, cell });
const wide = <T>(title: string, cell: (object: T, now: number) => string): Column<T> => ({
  title,
  cell,
  wide: true,
});

const NAME = column<ApiObject>('NAME', ({ metadata }) => metadata.name);
const AGE = column<ApiObject>('AGE', ({ metadata }, now) => formatAge(metadata.creationTimestamp, now));

const BY_KIND: Readonly<Record<string, readonly AnyColumn[]>> = {
  Application: [
    column<Application>('WORKLOADS', workloads),
    column<Application>('STRATEGY', ({ spec }) => Object.keys(spec.strategy ?? { scaled: {} }).join(',')),
    column<Application>('ROUTES', ({ spec }) => routes(spec)),
    column<Application>('READY', ({ status }) => conditionWord(status?.conditions, 'Ready')),
  ],
  Environment: [
    column<Environment>('CLUSTERS', ({ spec }) => (spec.clusters ?? ['local']).join(',')),
    column<Environment>('PROTECTED', ({ spec }) =>
      spec.protection?.approval === undefined ? 'no' : `approval (${spec.protection.approval.by})`,
    ),
  ],
  Revision: [
    column<Revision>('APP', ({ spec }) => spec.application),
    column<Revision>('ENV', ({ spec }) => spec.environment),
    column<Revision>('REVISION', ({ spec }) => `r${spec.number}`),
    column<Revision>('SOURCE', ({ spec }) => spec.source ?? ''),
    wide<Revision>('DIGEST', ({ spec }) => spec.digest),
  ],
  Track: [
    column<Track>('LIVE', ({ status }) => shortRevision(status?.live ?? null)),
    column<Track>('WARM', ({ status }) =>
      (status?.warm ?? []).map(({ revision }) => shortRevision(revision)).join(','),
    ),
    column<Track>('RELEASE', ({ status }) => status?.active?.release ?? ''),
    column<Track>('HOLD', ({ status }) => (status?.hold == null ? '' : `by ${status.hold.by}`)),
  ],
  Release: [
    column<Release>('APP', ({ spec }) => spec.application),
    column<Release>('FROM', ({ spec }) => (spec.from === null ? '' : shortRevision(spec.from))),
    column<Release>('TO', ({ spec }) => shortRevision(spec.to)),
    column<Release>('STRATEGY', ({ spec }) => spec.plan.strategy),
    column<Release>('STAGE', stageWord),
    column<Release>('PHASE', phaseOf),
    column<Release>('WAITING FOR', ({ status }) => waitingWord(status?.waiting)),
    wide<Release>('ENV', ({ spec }) => spec.environment),
    wide<Release>('PLAN', ({ spec }) => shortHash(spec.plan.hash)),
    wide<Release>('REQUESTS', ({ status }) =>
      status?.traffic == null ? 'not measured' : formatNumber(status.traffic.requests),
    ),
    wide<Release>('FAILED', ({ status }) =>
      status?.traffic == null ? 'not measured' : formatNumber(status.traffic.failed),
    ),
    wide<Release>('BY', ({ spec }) => spec.requestedBy),
  ],
  Execution: [
    column<Execution>('RELEASE', ({ spec }) => spec.release ?? spec.purpose),
    column<Execution>('STAGE', ({ spec }) => String(spec.stage)),
    column<Execution>('CLUSTER', ({ spec }) => spec.cluster),
    column<Execution>('PHASE', ({ status }) => status?.phase ?? 'Pending'),
  ],
  Command: [
    column<Command>('VERB', ({ spec }) => spec.verb),
    column<Command>('TARGET', ({ spec }) => `${spec.target.kind}/${spec.target.name}`),
    column<Command>('BY', ({ spec }) => spec.by),
    column<Command>('STATE', ({ status }) => status?.state ?? 'pending'),
    column<Command>('MESSAGE', ({ status }) => status?.message ?? ''),
  ],
  GateRun: [
    column<GateRun>('RELEASE', ({ spec }) => spec.release),
    column<GateRun>('STAGE', ({ spec }) => `${spec.when} ${spec.stage}`),
    column<GateRun>('GATE', ({ spec }) => spec.gate.name),
    column<GateRun>('VERDICT', ({ status }) => status?.verdict ?? status?.state ?? 'pending'),
    // The time of the run as the receipt has it; the message ends in that of its last asking.
    column<GateRun>('TOOK', ({ status }) =>
      status?.startedAt == null || status.endedAt === null
        ? ''
        : formatMs(Date.parse(status.endedAt) - Date.parse(status.startedAt)),
    ),
    column<GateRun>('MESSAGE', ({ status }) => withoutTime(status?.message ?? '')),
  ],
  Receipt: [
    column<Receipt>('RELEASE', ({ spec }) => spec.release),
    column<Receipt>('PHASE', ({ spec }) => spec.phase),
    column<Receipt>('REQUESTS', ({ spec }) =>
      spec.requests.total === null ? 'not measured' : formatNumber(spec.requests.total),
    ),
    column<Receipt>('FAILED', ({ spec }) =>
      spec.requests.failed === null ? 'not measured' : formatNumber(spec.requests.failed),
    ),
    column<Receipt>('TOOK', ({ spec }) => formatMs(spec.wallMs)),
  ],
  Artifact: [
    column<ApiObject & { spec: { size: number; source?: string } }>('SIZE', ({ spec }) =>
      formatBytes(spec.size),
    ),
    column<ApiObject & { spec: { size: number; source?: string } }>(
      'SOURCE',
      ({ spec }) => spec.source ?? '',
    ),
  ],
  Secret: [
    column<ApiObject & { status?: { keys?: Record<string, string> } }>('KEYS', ({ status }) =>
      Object.keys(status?.keys ?? {}).join(','),
    ),
  ],
  Cluster: [
    column<ApiObject & { spec: { driver: string } }>('DRIVER', ({ spec }) => spec.driver),
    column<ApiObject & { status?: { agent?: { connected: boolean; version: string } } }>(
      'AGENT',
      ({ status }) =>
        status?.agent?.connected === true ? `connected ${status.agent.version}` : 'not connected',
    ),
  ],
};

/** Header and rows of one kind; the name first, the age last. */
export function tableOf(
  kind: string,
  objects: readonly ApiObject[],
  options: { readonly now: number; readonly wide: boolean; readonly namespace: boolean },
): { header: string[]; rows: string[][] } {
  const own = (BY_KIND[kind] ?? []) as readonly Column<ApiObject>[];
  const columns = [
    ...(options.namespace
      ? [column<ApiObject>('NAMESPACE', ({ metadata }) => metadata.namespace ?? '')]
      : []),
    NAME,
    ...own.filter((one) => one.wide !== true || options.wide),
    AGE,
  ];
  return {
    header: columns.map(({ title }) => title),
    rows: objects.map((object) => columns.map(({ cell }) => cell(object, options.now))),
  };
}

function stageWord({ spec, status }: Release): string {
  const back = status?.direction === 'back';
  const stages = back ? status.backStages.length : spec.plan.stages.length;
  return `${back ? '↩ ' : ''}${Math.min((status?.stage ?? 0) + 1, stages)}/${stages}`;
}

function waitingWord(waiting: { for: string; who: string } | undefined): string {
  if (waiting === undefined || waiting.for === 'nothing') return '';
  return waiting.who === 'nobody' ? waiting.for : `${waiting.for} (${waiting.who})`;
}

const conditionWord = (
  conditions: readonly { type: string; status: string; reason: string }[] | undefined,
  type: string,
): string => {
  const found = conditions?.find((one) => one.type === type);
  return found === undefined
    ? 'Unknown'
    : found.status === 'True'
      ? 'True'
      : `${found.status} (${found.reason})`;
};

function workloads({ metadata, spec }: Application): string {
  if (spec.template !== undefined) return `template ${spec.template.name}`;
  const all = spec.workloads ?? { [metadata.name]: spec.workload };
  return Object.entries(all)
    .map(([name, workload]) => `${name} ×${workload?.replicas ?? 1}`)
    .join(', ');
}

const routes = (spec: Application['spec']): string =>
  (spec.routes ?? [])
    .map(({ host, path }) => `${host ?? '*'}${path === '/' || path === undefined ? '' : path}`)
    .join(',');
