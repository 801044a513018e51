import { newEvents } from '../src/cli/progress/events.ts';
import { renderRelease } from '../src/cli/progress/render-release.ts';
import type { ReleaseView } from '../src/cli/progress/view.ts';
import { LiveRegion } from '../src/cli/terminal/live-region.ts';
import { COLOURED, type Paint, PLAIN, wantsColour } from '../src/cli/terminal/paint.ts';

/** What a person sees: a tree that is redrawn on a terminal, one line an event elsewhere. */
export interface Screen {
  readonly paint: Paint;
  say(...lines: readonly string[]): void;
  show(view: ReleaseView): void;
  /** The next release, or anything else, begins below. */
  end(): void;
}

export function createScreen(stream: NodeJS.WriteStream): Screen {
  const paint = wantsColour({ color: true }, process.env, stream.isTTY === true) ? COLOURED : PLAIN;
  const say = (...lines: readonly string[]): void => void stream.write(`${lines.join('\n')}\n`);
  if (stream.isTTY !== true) {
    let said = new Set<string>();
    return {
      paint,
      say,
      show: (view) => {
        const lines = newEvents(view, said, Date.now(), paint);
        if (lines.length > 0) say(...lines);
      },
      end: () => {
        said = new Set();
        say('');
      },
    };
  }
  const region = new LiveRegion(stream);
  return {
    paint,
    say,
    show: ({ release, executions, gateRuns }) =>
      region.draw(renderRelease(release, executions, gateRuns, Date.now(), region.width, paint)),
    end: () => {
      region.finish();
      say('');
    },
  };
}
