import type { Execution, GateRun } from '../../api/execution.ts';
import type { Release } from '../../api/release.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Connection, Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { cleanLine } from '../terminal/clean.ts';
import { LiveRegion } from '../terminal/live-region.ts';
import { newEvents } from './events.ts';
import { follow } from './follow.ts';
import { NEEDS_SOMEBODY } from './outcome.ts';
import { renderRelease } from './render-release.ts';
import { askedForWhatServes, hasEnded, phaseOf, type ReleaseView } from './view.ts';

export interface WatchOptions {
  /** Give up watching after this, with exit code 6. The release goes on. */
  readonly timeoutMs?: number;
}

const REDRAW_MS = 100;

/**
 * Shows a release until it has ended: a tree on a terminal, one line an event elsewhere. Ctrl-C stops
 * watching, never the release. Answers how the release ended as exit code.
 */
export async function watchRelease(
  context: Context,
  connection: Connection,
  name: string,
  options: WatchOptions = {},
): Promise<ExitCode> {
  const ending = new AbortController();
  const interrupted = context.interrupt.claim();
  const signal = AbortSignal.any([ending.signal, interrupted]);
  const state: WatchState = { release: undefined, executions: [], gateRuns: [], gone: false };
  const screen =
    context.io.stdout.isTTY === true && context.format === 'text'
      ? liveScreen(context)
      : plainScreen(context);
  const update = (): void => {
    const { release } = state;
    if (release === undefined) return;
    // The end is shown once everything that belongs to it is known.
    if (hasEnded(release)) ending.abort();
    else screen.show({ ...state, release });
  };
  const { api, namespace } = connection;
  const timeout =
    options.timeoutMs === undefined
      ? undefined
      : context.clock.setTimer(options.timeoutMs, () => ending.abort());
  const ticker = setInterval(update, REDRAW_MS);
  try {
    // A release that is under way has gates behind it. They are watched on a way of their own, and would be told under
    // what came after them; where they cannot be read, the watch goes on asking.
    await complete(connection, name, state).catch(() => undefined);
    await Promise.all([
      follow<Release>(api, 'Release', {
        namespace,
        signal,
        name,
        wanted: () => true,
        changed: (objects) => {
          const release = objects.get(name);
          // One that is queued is not made yet: only what was seen can be gone.
          if (release === undefined && state.release === undefined) return;
          if (release === undefined) {
            state.gone = true;
            ending.abort();
          } else state.release = release;
          update();
        },
      }),
      follow<Execution>(api, 'Execution', {
        namespace,
        signal,
        wanted: ({ spec }) => spec.release === name,
        changed: (objects) => {
          state.executions = [...objects.values()];
          update();
        },
      }),
      follow<GateRun>(api, 'GateRun', {
        namespace,
        signal,
        wanted: ({ spec }) => spec.release === name,
        changed: (objects) => {
          state.gateRuns = [...objects.values()];
          update();
        },
      }),
    ]);
  } finally {
    clearInterval(ticker);
    timeout?.[Symbol.dispose]();
    ending.abort();
    if (state.release !== undefined && hasEnded(state.release)) await complete(connection, name, state);
    screen.end(state.release === undefined ? undefined : { ...state, release: state.release });
  }
  return outcome(context, name, state, interrupted.aborted);
}

/** Gates and executions are watched on ways of their own: what has not come when they are told of is read. */
async function complete({ api, namespace }: Connection, name: string, state: WatchState): Promise<void> {
  const [executions, gateRuns] = await Promise.all([
    api.list<Execution>('Execution', { namespace }),
    api.list<GateRun>('GateRun', { namespace }),
  ]);
  state.executions = executions.items.filter(({ spec }) => spec.release === name);
  state.gateRuns = gateRuns.items.filter(({ spec }) => spec.release === name);
}

function outcome(context: Context, name: string, state: WatchState, interrupted: boolean): ExitCode {
  const { release } = state;
  if (release !== undefined && hasEnded(release)) {
    return endedCode(release);
  }
  if (state.gone) throw new SlipwayError('notFound', `Release ${name} was deleted while it was watched.`);
  const lines = [`  slipway describe release/${name} --watch`, `  slipway abort ${name}`];
  if (interrupted) {
    context.note('', `Stopped watching. Release ${name} goes on.`, ...lines);
    return EXIT.interrupted;
  }
  context.note('', timeoutWords(name, release), ...lines);
  return EXIT.timeout;
}

/** Zero where what was asked for serves. Pure. */
export const endedCode = (release: Release): ExitCode =>
  phaseOf(release) === 'Succeeded' || askedForWhatServes(release) ? EXIT.ok : EXIT.notReleased;

/** What nobody but a person ends has not "taken long"; what was never begun does not go on. Pure. */
export function timeoutWords(name: string, release: Release | undefined): string {
  if (release === undefined) return `Release ${name} has not begun within --timeout.`;
  const { waiting } = release.status ?? {};
  return waiting !== undefined && NEEDS_SOMEBODY.includes(waiting.for)
    ? `Release ${name} still waits at the end of --timeout: ${cleanLine(waiting.message)}.`
    : `Release ${name} goes on and has taken longer than --timeout.`;
}

interface WatchState {
  release: Release | undefined;
  executions: readonly Execution[];
  gateRuns: readonly GateRun[];
  gone: boolean;
}

interface Screen {
  show(view: ReleaseView): void;
  /** With what is known at last. */
  end(view: ReleaseView | undefined): void;
}

/** Changes come in bursts; the eye does not need more frames than these. */
const SHORTEST_FRAME_MS = 50;

function liveScreen(context: Context): Screen {
  const region = new LiveRegion(context.io.stdout);
  let drawnAt = Number.NEGATIVE_INFINITY;
  const draw = ({ release, executions, gateRuns }: ReleaseView): void => {
    drawnAt = context.clock.monotonic();
    region.draw(
      renderRelease(release, executions, gateRuns, context.clock.now(), region.width, context.paint),
    );
  };
  return {
    show: (view) => {
      if (context.clock.monotonic() - drawnAt >= SHORTEST_FRAME_MS) draw(view);
    },
    end: (view) => {
      if (view !== undefined) draw(view);
      region.finish();
    },
  };
}

function plainScreen(context: Context): Screen {
  const said = new Set<string>();
  const show = (view: ReleaseView): void => {
    const lines = newEvents(view, said, context.clock.now(), context.paint);
    // With -o json the answer is the release itself, at the end.
    if (context.format === 'text') context.print(...lines);
    else context.note(...lines);
  };
  return {
    show,
    end: (view) => {
      if (view !== undefined) show(view);
    },
  };
}
