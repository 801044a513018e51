import { durationMs } from '../../lib/durations.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Told } from '../../simulator/rehearsal/assumptions.ts';
import { type CommandModule, examples } from '../command.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { printData } from '../output.ts';
import { LiveRegion } from '../terminal/live-region.ts';
import { rehearsalText } from '../text/rehearsal-text.ts';
import type { WorkloadChange } from './application-change.ts';
import { refuseFiles } from './file-words.ts';

interface RehearseOptions extends WorkloadChange {
  readonly filename?: string;
  readonly runs?: string;
  readonly seed?: string;
  readonly assume?: string;
  readonly longestRequest?: string;
  readonly startsIn?: string;
  readonly servesAfter?: string;
  readonly proofNotices?: boolean;
  readonly finishesOnSigterm?: boolean;
  readonly watchedFor?: string;
  readonly gatesTake?: string;
}

const MOST_RUNS = 1_000_000;

/** `slipway rehearse`: this release, with these gates, on many bad days in virtual time. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'Play a release through many bad days in virtual time, before production sees it: processes are killed, starts are slow, versions are broken, people abort. Slipway’s own planner, controllers and agent run; the cluster is simulated. Nothing is changed, and with -f alone no manager is needed.',
      )
      .argument('[release|application]', 'from what is live; may be left out with -f')
      .option('-f, --filename <file>', 'the application as this file has it')
      .option('-a, --artifact <path>', 'with this directory, archive or NAME@sha256:…, as "release" takes it')
      .option('--image <image>', 'with this container image')
      .option('--workload <name>', 'whose artifact, where there are several workloads')
      .option('--runs <number>', 'how many runs (200; 40 where a release takes more than 20 minutes)')
      .option('--seed <number>', 'one run alone, told in full')
      .option('--assume <file>', 'YAML with the assumptions below, and with what gates are answered')
      .option('--longest-request <duration>', 'the longest ordinary request')
      .option('--starts-in <duration>', 'from start to ready')
      .option('--serves-after <duration>', 'real answers begin so long after the probe passes')
      .option('--proof-notices', 'until then GET of the route answers 5xx too, so that the proof waits')
      .option('--finishes-on-sigterm', 'told to end it finishes the requests inside it')
      .option('--watched-for <duration>', 'so long after a release people may still want to go back')
      .option('--gates-take <duration>', 'until a gate is answered');
    examples(
      command,
      'slipway rehearse -f app.yaml',
      'slipway rehearse -f app.yaml -e production --longest-request 45s --runs 1000',
      'slipway rehearse shop -f app.yaml',
      'slipway rehearse shop --artifact ./dist',
      'slipway rehearse -f app.yaml --seed 17',
    );
    command.action(
      run(async (context, word: string | undefined, options: RehearseOptions) => {
        refuseFiles('rehearse', word);
        const seed = options.seed === undefined ? undefined : wholeNumber('--seed', options.seed);
        const runs = options.runs === undefined ? undefined : wholeNumber('--runs', options.runs);
        const told = await toldBy(context, options);
        const [{ subjectOf }, build, { rehearse }] = await Promise.all([
          import('./rehearse-subject.ts'),
          import('../../simulator/rehearsal/subject.ts'),
          import('../../simulator/rehearsal/rehearse.ts'),
        ]);
        const subject = await subjectOf(context, build, { word, file: options.filename, change: options });
        const signal = context.interrupt.claim();
        const progress = progressOf(context, seed !== undefined);
        const report = await rehearse({
          ...{ subject, told, signal, progress: progress.told },
          ...(seed !== undefined ? { runs: 1, from: seed } : runs === undefined ? {} : { runs }),
        });
        progress.end();
        if (!(await printData(context, report))) {
          const again = ['slipway rehearse', ...commandWords(context, word, options)].join(' ');
          context.print(
            ...rehearsalText(
              report,
              { again, told: seed !== undefined, width: context.io.stdout.columns || 120 },
              context.paint,
            ),
          );
        }
        if (signal.aborted) return EXIT.interrupted;
        return report.bad > 0 ? EXIT.failed : EXIT.ok;
      }),
    );
  },
};

/** The file of assumptions, and over it what the options say. */
async function toldBy(context: Context, options: RehearseOptions): Promise<Told> {
  const given: Record<string, unknown> = {};
  for (const field of ['longestRequest', 'startsIn', 'servesAfter', 'watchedFor', 'gatesTake'] as const) {
    const text = options[field];
    if (text === undefined) continue;
    requireDuration(field, text);
    given[field] = text;
  }
  for (const field of ['proofNotices', 'finishesOnSigterm'] as const)
    if (options[field] === true) given[field] = true;
  const { readAssumptions } = await import('./rehearse-assumptions.ts');
  return await readAssumptions(context, options.assume, given);
}

function requireDuration(field: string, text: string): void {
  try {
    durationMs(text);
  } catch {
    const option = `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new SlipwayError('badRequest', `${option} ${text} is no duration.`, {
      next: 'Allowed: such as 100ms, 45s, 5m or 1h30m.',
    });
  }
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= MOST_RUNS) return value;
  throw new SlipwayError('badRequest', `${option} ${text} is no number of runs.`, {
    next: `Allowed: a whole number from 1 to ${MOST_RUNS}.`,
  });
}

/** One line that is drawn again in place; nothing where no terminal is. */
function progressOf(
  { io, paint }: Context,
  isOne: boolean,
): { told(done: number, runs: number, bad: number): void; end(): void } {
  if (io.stderr.isTTY !== true || isOne) return { told: () => {}, end: () => {} };
  const region = new LiveRegion(io.stderr);
  const draw = (done: number, runs: number, bad: number) => {
    const found = bad === 0 ? '' : `  ${paint.bad(`✗ ${bad} broke a promise`)}`;
    region.draw([`Rehearsing: ${done} of ${runs} runs${found}  (Ctrl-C ends and says what was found)`]);
  };
  region.draw(['Rehearsing: how long it takes when nothing breaks']);
  return { told: draw, end: () => region.clear() };
}

/** What the same rehearsal is asked for with, without its seed and its number of runs. */
function commandWords(
  { options: global }: Context,
  word: string | undefined,
  options: RehearseOptions,
): string[] {
  const named = {
    '-f': options.filename,
    '--artifact': options.artifact,
    '--image': options.image,
    '--workload': options.workload,
    '-e': global.env,
    '--assume': options.assume,
    '--longest-request': options.longestRequest,
    '--starts-in': options.startsIn,
    '--serves-after': options.servesAfter,
    '--watched-for': options.watchedFor,
    '--gates-take': options.gatesTake,
  };
  return [
    ...(word === undefined ? [] : [word]),
    ...Object.entries(named).flatMap(([option, value]) => (value === undefined ? [] : [option, value])),
    ...(options.proofNotices === true ? ['--proof-notices'] : []),
    ...(options.finishesOnSigterm === true ? ['--finishes-on-sigterm'] : []),
  ];
}
