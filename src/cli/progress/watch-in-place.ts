import type { Application } from '../../api/application.ts';
import type { Execution } from '../../api/execution.ts';
import type { Stored } from '../../api/meta.ts';
import type { Track, TrackStatus } from '../../api/revision.ts';
import { approversInWords } from '../../engine/approvers.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Connection, Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { cleanLine } from '../terminal/clean.ts';

/** What is looked at, again and again, while something applies in place. */
export interface InPlaceView {
  readonly application: Stored<Application> | undefined;
  readonly track: TrackStatus | undefined;
  /** Of the work under way, or of the last that was seen. */
  readonly execution: Execution | undefined;
}

export type InPlaceState =
  | { readonly state: 'under way'; readonly message: string }
  | { readonly state: 'done' }
  | { readonly state: 'waits'; readonly lines: readonly string[] }
  | { readonly state: 'failed'; readonly lines: readonly string[] };

/** How far a change in place, or the restart that this command asked for, has come. Pure. */
export function inPlaceState(
  name: string,
  { application, track, execution }: InPlaceView,
  restart?: string,
): InPlaceState {
  const work = track?.work ?? null;
  const mine = work !== null && (restart === undefined ? work.purpose === 'inPlace' : work.claim === restart);
  const failure = mine && execution?.metadata.name === work.execution ? execution.status?.failure : null;
  if (failure != null)
    return {
      state: 'failed',
      lines: [failure.message, failure.affects, failure.next].map(cleanLine).filter((line) => line !== ''),
    };
  if (mine) return { state: 'under way', message: messageOf(execution) };
  if (restart !== undefined) return { state: 'done' };
  const { change, active } = track ?? {};
  if (change?.state === 'waiting')
    return {
      state: 'waits',
      lines: [
        `It waits for an approval by ${cleanLine(approversInWords(change.who))}: ${cleanLine(change.summary)}.`,
        `slipway approve ${name}`,
        `slipway reject ${name}`,
      ],
    };
  if (active != null)
    return { state: 'under way', message: `waits until release ${active.release} has ended` };
  const { status, metadata } = application ?? {};
  // Until the manager has looked at the change, nothing under way means nothing yet.
  return (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 1)
    ? { state: 'done' }
    : { state: 'under way', message: '' };
}

const messageOf = (execution: Execution | undefined): string =>
  cleanLine(execution?.status?.instructions.find(({ state }) => state === 'running')?.message ?? '');

export interface WatchInPlace {
  readonly application: string;
  /** Uid of the command that asked for a restart; absent: whatever applies in place. */
  readonly restart?: string;
  readonly timeoutMs?: number | undefined;
}

const POLL_MS = 100;

/** Follows it to its end, one line for each thing that is under way. Ctrl-C stops watching, never the change. */
export async function watchInPlace(
  context: Context,
  connection: Connection,
  wanted: WatchInPlace,
): Promise<ExitCode> {
  const { api, environment } = connection;
  const { clock, paint } = context;
  const name = wanted.application;
  const signal = context.interrupt.claim();
  const deadline = clock.monotonic() + (wanted.timeoutMs ?? Number.POSITIVE_INFINITY);
  // With -o json the answer is the command itself.
  const tell = context.format === 'text' ? context.print : context.note;
  let said = '';
  for (;;) {
    const [application, track] = await Promise.all([
      api.find<Application>('Application', name),
      api.find<Track>('Track', `${name}-${environment}`),
    ]);
    if (application === undefined)
      throw new SlipwayError('notFound', `${name} was deleted while it was watched.`);
    const order = track?.status?.work?.execution ?? '';
    const execution = order === '' ? undefined : await api.find<Execution>('Execution', order);
    const now = inPlaceState(name, { application, track: track?.status, execution }, wanted.restart);
    if (now.state === 'done') {
      tell(`${paint.good('✓')} ${name}: done`);
      return EXIT.ok;
    }
    if (now.state !== 'under way') {
      const sign = now.state === 'failed' ? paint.bad('✗') : paint.warn('◌');
      tell(...now.lines.map((line, at) => `${at === 0 ? sign : ' '} ${line}`));
      return now.state === 'failed' ? EXIT.failed : EXIT.ok;
    }
    if (now.message !== '' && now.message !== said) tell(`  ● ${now.message}`);
    said = now.message;
    if (signal.aborted || clock.monotonic() >= deadline) {
      const why = signal.aborted ? 'Stopped watching' : 'It has taken longer than --timeout';
      context.note('', `${why}. The change of ${name} goes on.`, `  slipway status ${name}`);
      return signal.aborted ? EXIT.interrupted : EXIT.timeout;
    }
    await clock.sleep(POLL_MS, signal).catch(() => undefined);
  }
}
