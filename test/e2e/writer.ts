/** Writes to the API without a pause, and says afterwards whether anything that was acknowledged is missing. */
import type { Template } from '../../src/api/environment.ts';
import { API_VERSION } from '../../src/api/meta.ts';
import type { ApiClient } from '../../src/server/api-client.ts';
import { eventually } from '../support/eventually.ts';

export interface WriterBooks {
  /** Answered with success. */
  readonly acknowledged: number;
  /** Ended in an error: they may or may not have happened. */
  readonly unanswered: number;
  /** Acknowledged, and not there at the end. */
  readonly lost: readonly string[];
}

/** Writes one object after the other and one counter, and remembers what was acknowledged. */
export class Writer {
  readonly #api: ApiClient;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  readonly #created: string[] = [];
  #counter = 0;
  #unanswered = 0;

  constructor(api: ApiClient) {
    this.#api = api;
    this.#running = this.#run();
  }

  async stop(): Promise<WriterBooks> {
    this.#stopping.abort();
    await this.#running;
    const { items } = await eventually('the manager to answer', () => this.#api.list<Template>('Template'));
    const names = new Set(items.map(({ metadata }) => metadata.name));
    const lost = this.#created.filter((name) => !names.has(name));
    const counter = Number(
      items.find(({ metadata }) => metadata.name === 'counter')?.metadata.annotations?.count ?? 0,
    );
    if (counter < this.#counter) lost.push(`counter is ${counter}, and ${this.#counter} was acknowledged`);
    return { acknowledged: this.#created.length + this.#counter, unanswered: this.#unanswered, lost };
  }

  async #run(): Promise<void> {
    for (let n = 1; !this.#stopping.signal.aborted; n++) {
      await this.#write(
        () => this.#api.create(template(`ledger-${n}`)),
        () => this.#created.push(`ledger-${n}`),
      );
      if (n === 1)
        await this.#write(
          () => this.#api.create(template('counter')),
          () => this.#created.push('counter'),
        );
      const patch = { metadata: { annotations: { count: String(n) } } };
      await this.#write(
        () => this.#api.patch('Template', 'counter', patch),
        () => {
          // Numbers that were not answered are skipped: what counts is the highest that was.
          this.#counter = n;
        },
      );
      await pause(20, this.#stopping.signal);
    }
  }

  async #write(write: () => Promise<unknown>, acknowledged: () => void): Promise<void> {
    try {
      await write();
      acknowledged();
    } catch {
      this.#unanswered += 1;
    }
  }
}

const template = (name: string): Template =>
  ({
    apiVersion: API_VERSION,
    kind: 'Template',
    metadata: { name },
    spec: { parameters: {}, workloads: { web: { command: ['true'] } } },
  }) as Template;

/** Until the time is over or the signal is aborted. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
