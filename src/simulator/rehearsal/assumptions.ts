import * as z from 'zod';
import { Duration, durationMs, formatDuration } from '../../api/duration.ts';
import { Name } from '../../api/meta.ts';
import { keepsWarm, type Subject } from './side.ts';

const ToldGate = z.strictObject({
  takes: Duration.optional(),
  status: z.number().int().min(100).max(599).default(200),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  json: z.unknown().optional(),
});

/** What people tell of an application that nobody can read off its file: `--assume FILE` and the options. */
export const Told = z.strictObject({
  longestRequest: Duration.optional(),
  startsIn: Duration.optional(),
  servesAfter: Duration.optional(),
  proofNotices: z.boolean().optional(),
  finishesOnSigterm: z.boolean().optional(),
  watchedFor: Duration.optional(),
  gatesTake: Duration.optional(),
  /** By name: what a gate is answered where all is well. */
  gates: z.record(Name, ToldGate).default({}),
});
export type Told = z.output<typeof Told>;

/** The same with a value for everything. */
export interface Assumptions {
  readonly longestRequestMs: number;
  readonly startMs: number;
  /** From a passed probe to real answers. */
  readonly lateMs: number;
  /** Slipway's own proof, which asks the routes, meets that as well and waits. */
  readonly proofNotices: boolean;
  readonly finishesAtTerm: boolean;
  /** So long after a release people still look whether it was good; 0: nobody said so. */
  readonly watchMs: number;
  readonly gateMs: number;
  readonly gates: Told['gates'];
}

const DEFAULTS = { longestRequestMs: 5_000, startMs: 2_000, gateMs: 50 } as const;

/**
 * Defaults that convict nobody: requests and starts are well within what the file allows, and the old version is
 * watched as long as the longest soak says that a fault takes to show.
 */
export function assume(told: Told, { to }: Subject): Assumptions {
  const services = Object.values(to.workloads).filter(({ type }) => type === 'service');
  const within = (most: number, limits: readonly number[]) => Math.min(most, ...limits.map((ms) => ms / 2));
  const ms = (text: string | undefined, otherwise: number) =>
    text === undefined ? otherwise : durationMs(text);
  return {
    longestRequestMs: ms(
      told.longestRequest,
      within(
        DEFAULTS.longestRequestMs,
        services.map(({ drain }) => durationMs(drain.timeout)),
      ),
    ),
    startMs: ms(
      told.startsIn,
      within(
        DEFAULTS.startMs,
        services.map(({ readiness }) => durationMs(readiness?.startTimeout ?? '60s')),
      ),
    ),
    lateMs: ms(told.servesAfter, 0),
    proofNotices: told.proofNotices ?? false,
    finishesAtTerm: told.finishesOnSigterm ?? false,
    watchMs: ms(told.watchedFor, longestSoakMs(to)),
    gateMs: ms(told.gatesTake, DEFAULTS.gateMs),
    gates: told.gates,
  };
}

/** The longest of the soaks that the file asks for: how long its owner thinks that a fault takes to show. */
export function longestSoakMs({ gates, strategy }: Subject['to']): number {
  const soaks = gates.flatMap(({ soak }) => (soak === undefined ? [] : [soak.duration]));
  const step = strategy.canary?.soak;
  return Math.max(0, ...[...soaks, ...(step === undefined ? [] : [step])].map(durationMs));
}

/** What was taken to be so, with what tells it otherwise. */
export function assumptionWords(assumed: Assumptions, told: Told, subject: Subject): string[] {
  const { longestRequestMs, startMs, lateMs, watchMs, gateMs, finishesAtTerm } = assumed;
  const said = (field: keyof Told, option: string) =>
    told[field] === undefined ? option : `${option}, told`;
  const hasGates = subject.to.gates.some(({ http, command }) => http !== undefined || command !== undefined);
  return [
    `requests take ${formatDuration(longestRequestMs)} at the most (${said('longestRequest', '--longest-request')})`,
    `instances are ready after about ${formatDuration(startMs)} (${said('startsIn', '--starts-in')})`,
    lateMs === 0
      ? `what passes its probe serves (${said('servesAfter', '--serves-after')})`
      : `real answers begin ${formatDuration(lateMs)} after the probe passes${assumed.proofNotices ? ', and the proof waits for them' : ''} (${said('servesAfter', '--serves-after')})`,
    finishesAtTerm
      ? `on SIGTERM requests are finished within drain.grace (${said('finishesOnSigterm', '--finishes-on-sigterm')})`
      : `on SIGTERM the process ends at once (${said('finishesOnSigterm', '--finishes-on-sigterm')})`,
    ...(hasGates
      ? [`gates are answered within ${formatDuration(gateMs)} (${said('gatesTake', '--gates-take')})`]
      : []),
    ...(watchMs > 0
      ? [
          `people watch for ${formatDuration(watchMs)} after the release (${told.watchedFor === undefined ? 'its longest soak; --watched-for' : '--watched-for, told'})`,
        ]
      : keepsWarm(subject.to)
        ? ['nobody said for how long people watch (--watched-for)']
        : []),
  ];
}
