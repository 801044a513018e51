/**
 * How the instances of one build of an application behave. A revision names its program by the environment
 * variable PROGRAM, so that a changed program is a changed revision.
 */
export interface Program {
  /** From spawn to ready, ms. Infinity: never. */
  readonly startMs: number;
  /** From ready to the first real answer, ms; errors until then. Infinity: answers its probe and nothing else. */
  readonly serveMs: number;
  /** From then on it answers its probe and the proof, and errors to everybody else for so long, ms. */
  readonly lateMs?: number;
  /** While this lasts, since the run began, nothing that starts gets ready: what it needs is not there. */
  readonly outage: { readonly fromMs: number; readonly untilMs: number } | null;
  /** Ends with code 1 soon after its start. */
  readonly crashesAtStart: boolean;
  /** Mean time from ready to a crash, ms; null: it does not crash by itself. */
  readonly crashEveryMs: number | null;
  /** Mean time between spells of a few seconds in which it is not ready; null: none. */
  readonly flapEveryMs: number | null;
  /** Length of an ordinary and of a slow request, and of a stream, at the most, ms. */
  readonly requestMs: number;
  readonly slowMs: number;
  readonly streamMs: number;
  /** False: told to end it ends at once, whatever is inside it. Absent: that goes on within its grace. */
  readonly finishesAtTerm?: boolean;
  /** What its preview answers to a gate. */
  readonly gateStatus: number;
  /** Asked by a gate it fails now and then, 0 to 1. */
  readonly gateFlakiness: number;
  /** The same by path, for gates that look at more than the status; given while the status is 200. */
  readonly answers?: Readonly<Record<string, PreviewedAnswer>>;
  /** Of a migration: time to its end and its exit code. */
  readonly job: { readonly ms: number; readonly exitCode: number };
}

/** What a gate is answered, and after how long. */
export interface PreviewedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly ms: number;
}

export const GOOD_PROGRAM: Program = {
  startMs: 800,
  serveMs: 0,
  outage: null,
  crashesAtStart: false,
  crashEveryMs: null,
  flapEveryMs: null,
  requestMs: 100,
  slowMs: 4_000,
  streamMs: 60_000,
  gateStatus: 200,
  gateFlakiness: 0,
  job: { ms: 500, exitCode: 0 },
};

/** Names the program in a workload's environment. */
export const PROGRAM_VARIABLE = 'PROGRAM';

/** Programs by name, and the name that a workload's specification gives. */
export class Programs {
  readonly #programs = new Map<string, Program>();

  add(name: string, program: Program): void {
    this.#programs.set(name, program);
  }

  /** An unnamed or unknown one is good: what a test does not speak of does nothing special. */
  of(env: Readonly<Record<string, unknown>>): Program {
    return this.#programs.get(String(env[PROGRAM_VARIABLE] ?? '')) ?? GOOD_PROGRAM;
  }
}
